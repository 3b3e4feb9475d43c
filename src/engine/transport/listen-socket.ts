import { isIPv6, type AddressInfo, type Server, type Socket } from 'node:net';
import { listenFailed } from '../listen-failed.js';
import type { ListenOptions } from '../engine-options.js';
import type { ConnectionQuota } from './connection-quota.js';
import { isWildcard } from './make-listener.js';

/** Binds a server and returns its port. Rejects with `engine_listen_failed`. */
export async function listenOn(server: Server, options: ListenOptions): Promise<number> {
  const { transport, address, port } = options;
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => {
      reject(listenFailed(transport, address, port, error));
    };
    server.once('error', onError);
    // IPv4 addresses in IPv6 clothes would match no trunk and no Via.
    server.listen({ port, host: address, exclusive: true, ipv6Only: isIPv6(address) }, () => {
      server.off('error', onError);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

/** What peers have opened on a server, from the first byte of a handshake on. */
export class OpenSockets {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** Sockets of addresses that are not heard, and those that the quota does not admit, are ended at once. */
  constructor(server: Server, quota: ConnectionQuota, admits: (address: string) => boolean) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      if (socket.remoteAddress !== undefined && !admits(socket.remoteAddress)) {
        socket.destroy();
        return;
      }
      if (!quota.admit(socket)) return;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Stops listening and ends every socket. Resolves when the port is free. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}

/** The options of an outgoing socket that make it leave from the listener's address. */
export function outgoingFrom(localAddress: string, to: { address: string; port: number }) {
  return {
    host: to.address,
    port: to.port,
    family: isIPv6(to.address) ? 6 : 4,
    ...(isWildcard(localAddress) ? {} : { localAddress }),
  };
}
