import type { Server } from 'node:net';
import { isIPv6, type AddressInfo } from 'node:net';
import { listenFailed } from '../listen-failed.js';
import type { ListenOptions } from '../engine-options.js';
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

/** Stops listening; what is open already must be closed by others. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
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
