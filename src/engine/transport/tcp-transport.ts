import { connect, createServer, isIPv6, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import { listenFailed } from '../listen-failed.js';
import type { EngineLimits, ListenOptions } from '../engine-options.js';
import { makeListener } from './make-listener.js';
import { TcpConnection, type MessageFramer } from './tcp-connection.js';
import type { Destination, Source } from '../../sip/transaction/transport.js';
import type { Listener, PacketHandler } from './listener.js';

/** What a TCP listener is built from. */
export interface TcpTransportParts {
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly handler: PacketHandler;
  readonly log: Logger;
  readonly newFramer: () => MessageFramer;
}

/** One TCP listener and the connections to and from its peers; a connection is reused for everything to that peer. */
export class TcpTransport {
  readonly listener: Listener;
  readonly #server: Server;
  readonly #parts: TcpTransportParts;
  readonly #connections = new Map<string, TcpConnection>();
  readonly #byId = new Map<string, TcpConnection>();
  #nextId = 1;
  #refused = 0;
  #closed = false;

  private constructor(server: Server, listener: Listener, parts: TcpTransportParts) {
    this.#server = server;
    this.listener = listener;
    this.#parts = parts;
    server.on('connection', (socket: Socket) => {
      this.#accept(socket);
    });
    server.on('error', (error) => {
      parts.log.error({ err: error, port: listener.port }, 'TCP listener failed');
    });
  }

  /** Binds. Rejects with `engine_listen_failed`. */
  static async listen(options: ListenOptions, parts: TcpTransportParts): Promise<TcpTransport> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error): void => {
        reject(listenFailed('tcp', options.address, options.port, error));
      };
      server.once('error', onError);
      server.listen({ port: options.port, host: options.address, exclusive: true }, () => {
        server.off('error', onError);
        resolve();
      });
    });
    return new TcpTransport(server, makeListener(options, (server.address() as AddressInfo).port), parts);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Whether this connection is open. */
  has(connectionId: string | undefined): boolean {
    return connectionId !== undefined && this.#byId.has(connectionId);
  }

  /** Sends on the connection named, or that to the peer, opening one if there is none. `onError` is called at most once. */
  send(raw: Buffer, to: Destination, onError: (reason: string) => void): void {
    if (this.#closed) {
      onError('engine closed');
      return;
    }
    const existing =
      (to.connectionId === undefined ? undefined : this.#byId.get(to.connectionId)) ??
      this.#connections.get(`${to.address} ${to.port}`);
    (existing ?? this.#open(to)).send(raw, onError);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    for (const connection of [...this.#connections.values()]) connection.close('engine closed');
    await closed;
  }

  #open(to: Destination): TcpConnection {
    const bindable = this.listener.address !== '0.0.0.0' && this.listener.address !== '::';
    const socket = connect({
      host: to.address,
      port: to.port,
      family: isIPv6(to.address) ? 6 : 4,
      ...(bindable ? { localAddress: this.listener.address } : {}),
    });
    return this.#add(socket, { address: to.address, port: to.port }, true);
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#parts.limits.tcpConnections) {
      if (this.#refused++ === 0)
        this.#parts.log.warn(
          { limit: this.#parts.limits.tcpConnections },
          'TCP connections refused: limit reached',
        );
      socket.destroy();
      return;
    }
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    this.#add(socket, { address: remoteAddress, port: remotePort }, false);
  }

  #add(socket: Socket, remote: { address: string; port: number }, connecting: boolean): TcpConnection {
    const connectionId = `${this.listener.port}-${this.#nextId++}`;
    const source: Source = {
      transport: 'tcp',
      address: remote.address,
      port: remote.port,
      connectionId,
      localAddress: this.listener.address,
      localPort: this.listener.port,
    };
    const connection = new TcpConnection(socket, source, connecting, {
      limits: this.#parts.limits,
      clock: this.#parts.clock,
      framer: this.#parts.newFramer(),
      handler: this.#parts.handler,
      onClosed: (closed, reason) => {
        this.#byId.delete(connectionId);
        if (this.#connections.get(closed.key) === closed) this.#connections.delete(closed.key);
        this.#parts.log.debug({ peer: closed.key, reason }, 'TCP connection closed');
      },
    });
    this.#connections.set(connection.key, connection);
    this.#byId.set(connectionId, connection);
    return connection;
  }
}
