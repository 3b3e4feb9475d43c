import { connect, createServer, type Socket } from 'node:net';
import type { ListenOptions } from '../engine-options.js';
import { ConnectionTransport, type ConnectionParts } from './connection-transport.js';
import { listenOn, OpenSockets, outgoingFrom } from './listen-socket.js';
import { makeListener } from './make-listener.js';
import { SocketWire } from './socket-wire.js';

/** Binds a TCP listener. Rejects with `engine_listen_failed`. */
export async function listenTcp(
  options: ListenOptions,
  parts: ConnectionParts,
): Promise<ConnectionTransport> {
  const server = createServer();
  const port = await listenOn(server, options);
  const transport = new ConnectionTransport(makeListener(options, port), parts);
  const sockets = new OpenSockets(server, parts.quota, (address) => parts.handler.admits(address));
  server.on('connection', (socket: Socket) => {
    const { remoteAddress, remotePort } = socket;
    if (socket.destroyed || remoteAddress === undefined || remotePort === undefined) return;
    transport.accept(new SocketWire(socket, parts.newFramer()), { address: remoteAddress, port: remotePort });
  });
  server.on('error', (error) => {
    parts.log.error({ err: error, port }, 'TCP listener failed');
  });
  return transport.attach({
    dial: (to) => new SocketWire(connect(outgoingFrom(options.address, to)), parts.newFramer()),
    close: () => sockets.close(),
  });
}
