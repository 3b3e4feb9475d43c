import type { Connection } from './connection.js';

/** Every open connection of every listener, by its id and by the peer that it may be used again for. */
export class ConnectionTable {
  readonly #byId = new Map<string, Connection>();
  readonly #byPeer = new Map<string, Connection>();
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

  /** The newest connection to a peer is the one that is used again. */
  add(connection: Connection): void {
    if (connection.source.connectionId === undefined) return;
    this.#byId.set(connection.source.connectionId, connection);
    this.#byPeer.set(connection.reuseKey, connection);
  }

  remove(connection: Connection): void {
    if (connection.source.connectionId !== undefined) this.#byId.delete(connection.source.connectionId);
    if (this.#byPeer.get(connection.reuseKey) === connection) this.#byPeer.delete(connection.reuseKey);
  }

  closeAll(reason: string): void {
    for (const connection of [...this.#byId.values()]) connection.close(reason);
  }
}
