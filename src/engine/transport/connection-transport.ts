import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import type { Destination, Source } from '../../sip/transaction/transport.js';
import type { EngineLimits, KeepAliveOptions } from '../engine-options.js';
import { Connection, type ConnectionEnd } from './connection.js';
import type { ConnectionQuota } from './connection-quota.js';
import type { ConnectionTable } from './connection-table.js';
import type { Listener, PacketHandler } from './listener.js';
import type { MessageFramer, Wire } from './wire.js';

/** What every listener that takes connections shares. */
export interface ConnectionParts {
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly keepAlive: KeepAliveOptions;
  readonly handler: PacketHandler;
  readonly onPing: () => void;
  /** An open connection ended, and not because the engine wanted it to. */
  readonly onLost: (connection: Connection, end: ConnectionEnd) => void;
  readonly log: Logger;
  readonly newFramer: () => MessageFramer;
  readonly table: ConnectionTable;
  readonly quota: ConnectionQuota;
}

/** The part of a listener that knows its kind of socket. */
export interface Dialer {
  /** Begins to open a connection. */
  dial(to: Destination): Wire;
  /** Stops listening. Called once; resolves when the port is free. */
  close(): Promise<void>;
  /** Reads the certificates again, where there are any. */
  reload?(): void;
}

/** A listener whose peers hold connections; one connection serves everything to its peer. */
export class ConnectionTransport {
  readonly listener: Listener;
  readonly #parts: ConnectionParts;
  readonly #own = new Set<Connection>();
  #dialer: Dialer | undefined;
  #closing: Promise<void> | undefined;

  constructor(listener: Listener, parts: ConnectionParts) {
    this.listener = listener;
    this.#parts = parts;
  }

  /** To be called once, when the socket is bound. */
  attach(dialer: Dialer): this {
    this.#dialer = dialer;
    return this;
  }

  /** A peer has connected. `speaksFor` says which hosts its certificate stands for, where it has shown a valid one. */
  accept(wire: Wire, remote: { address: string; port: number }, speaksFor?: (host: string) => boolean): void {
    this.#add(wire, remote, this.#peerKey(remote.address, remote.port), false, speaksFor);
  }

  /** Sends on the connection named, or that to the peer, opening one if there is none. `onError` is called at most once. */
  send(raw: Buffer, to: Destination, onError: (reason: string) => void): void {
    if (this.#closing || !this.#dialer) {
      onError('engine closed');
      return;
    }
    const { table } = this.#parts;
    // The name counts with TLS: a peer that proved to be one host is not thereby another at the same address.
    const key = this.#peerKey(to.address, to.port, this.#verifies ? to.host : undefined);
    const existing =
      table.get(to.connectionId) ??
      table.toPeer(key) ??
      table.byAlias(this.listener.transport, to.address, to.port, to.host ?? to.address);
    (existing ?? this.#add(this.#dialer.dial(to), to, key, true)).send(raw, onError);
  }

  /** Reads the certificates again, where there are any. */
  reload(): void {
    this.#dialer?.reload?.();
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const connection of [...this.#own]) connection.close('engine closed');
      await this.#dialer?.close();
    })();
    return this.#closing;
  }

  get #verifies(): boolean {
    return this.listener.transport === 'tls' || this.listener.transport === 'wss';
  }

  #peerKey(address: string, port: number, host = ''): string {
    return `${this.listener.transport} ${address} ${port} ${host.toLowerCase()}`;
  }

  #add(
    wire: Wire,
    remote: { address: string; port: number },
    reuseKey: string,
    connecting: boolean,
    speaksFor?: (host: string) => boolean,
  ): Connection {
    const { limits, clock, random, keepAlive, handler, onPing, onLost, table, log } = this.#parts;
    const source: Source = {
      transport: this.listener.transport,
      address: remote.address,
      port: remote.port,
      connectionId: table.newId(),
      localAddress: this.listener.address,
      localPort: this.listener.port,
    };
    const connection = new Connection(
      wire,
      source,
      reuseKey,
      connecting,
      {
        limits,
        clock,
        random,
        keepAlive,
        handler,
        onPing,
        onClosed: (closed, reason, end) => {
          this.#own.delete(closed);
          table.remove(closed);
          const peer = `${remote.address}:${remote.port}`;
          const { transport } = this.listener;
          if (closed.connecting) log.info({ peer, transport, reason }, 'connection could not be opened');
          else log.debug({ peer, transport, reason }, 'connection closed');
          if (!closed.connecting && end !== 'given-up') onLost(closed, end);
        },
      },
      speaksFor,
    );
    this.#own.add(connection);
    table.add(connection);
    return connection;
  }
}
