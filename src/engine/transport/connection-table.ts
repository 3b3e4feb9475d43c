import type { Connection } from './connection.js';

/** Every open connection of every listener, by its id and by the peer that it may be used again for. */
export class ConnectionTable {
  readonly #byId = new Map<string, Connection>();
  readonly #byPeer = new Map<string, Connection>();
  readonly #byAlias = new Map<string, Connection>();
  readonly #aliasOf = new Map<Connection, string>();
  #nextId = 1;

  get size(): number {
    return this.#byId.size;
  }

  newId(): string {
    return String(this.#nextId++);
  }

  get(connectionId: string | undefined): Connection | undefined {
    return connectionId === undefined ? undefined : this.#byId.get(connectionId);
  }

  toPeer(reuseKey: string): Connection | undefined {
    return this.#byPeer.get(reuseKey);
  }

  /** The connection of a peer that asked for requests to that port of its own to come on it, and may (RFC 5923 8.2). */
  byAlias(transport: string, address: string, port: number, host: string): Connection | undefined {
    if (this.#byAlias.size === 0) return undefined;
    const connection = this.#byAlias.get(aliasKey(transport, address, port));
    return connection && (!connection.speaksFor || connection.speaksFor(host)) ? connection : undefined;
  }

  /** From now on requests to that port of the connection's peer go by the connection. The newest one counts. */
  addAlias(connection: Connection, port: number): void {
    const { transport, address } = connection.source;
    const key = aliasKey(transport, address, port);
    if (this.#byAlias.get(key) === connection) return;
    this.#dropAliases(connection);
    this.#byAlias.set(key, connection);
    this.#aliasOf.set(connection, key);
  }

  /** The newest connection to a peer is the one that is used again. */
  add(connection: Connection): void {
    if (connection.source.connectionId === undefined) return;
    this.#byId.set(connection.source.connectionId, connection);
    this.#byPeer.set(connection.reuseKey, connection);
  }

  remove(connection: Connection): void {
    if (connection.source.connectionId !== undefined) this.#byId.delete(connection.source.connectionId);
    if (this.#byPeer.get(connection.reuseKey) === connection) this.#byPeer.delete(connection.reuseKey);
    this.#dropAliases(connection);
  }

  closeAll(reason: string): void {
    for (const connection of [...this.#byId.values()]) connection.close(reason);
  }

  /** A connection has one alias at a time, so that a peer cannot take every port. */
  #dropAliases(connection: Connection): void {
    const key = this.#aliasOf.get(connection);
    if (key === undefined) return;
    this.#aliasOf.delete(connection);
    if (this.#byAlias.get(key) === connection) this.#byAlias.delete(key);
  }
}

function aliasKey(transport: string, address: string, port: number): string {
  return `${transport} ${address} ${port}`;
}
