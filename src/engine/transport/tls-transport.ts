import { connect, createServer, type TLSSocket } from 'node:tls';
import type { ListenOptions } from '../engine-options.js';
import { ConnectionTransport, type ConnectionParts } from './connection-transport.js';
import { listenOn, OpenSockets, outgoingFrom } from './listen-socket.js';
import { makeListener } from './make-listener.js';
import { checkSipIdentity } from './sip-identity.js';
import { SocketWire } from './socket-wire.js';
import { TlsCredentials } from './tls-credentials.js';
import { serverSettings, tlsOf, type TlsPeers } from './tls-settings.js';

/** Binds a TLS listener (RFC 3261 26.2). Rejects with `engine_listen_failed`, `engine_no_certificate` or `tls_files`. */
export async function listenTls(
  options: ListenOptions,
  parts: ConnectionParts,
  peers: TlsPeers,
): Promise<ConnectionTransport> {
  const tls = tlsOf(options);
  const { quota, handler, log, limits } = parts;
  const settings = (current = credentials.current) => serverSettings(tls, current, limits.tcpFirstMessageMs);
  const credentials = new TlsCredentials(tls, parts, (changed) => {
    server.setSecureContext(settings(changed));
  });
  const server = createServer(settings());
  let port: number;
  try {
    port = await listenOn(server, options);
  } catch (error) {
    credentials.close();
    throw error;
  }
  const transport = new ConnectionTransport(makeListener(options, port), parts);
  const sockets = new OpenSockets(server, quota, (address) => handler.admits(address));
  server.on('secureConnection', (socket: TLSSocket) => {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    const remote = { address: remoteAddress, port: remotePort };
    const fault = certificateFault(socket);
    if (fault !== undefined) {
      handler.onBadBytes({ transport: 'tls', ...remote }, fault);
      socket.destroy();
      return;
    }
    transport.accept(new SocketWire(socket, parts.newFramer()), remote, identityOf(socket));
  });
  noteHandshakeFailures(server, 'tls', handler);
  server.on('error', (error) => {
    log.error({ err: error, port }, 'TLS listener failed');
  });
  return transport.attach({
    dial: (to) =>
      new SocketWire(
        connect({
          ...outgoingFrom(options.address, to),
          ...peers.settings(to.host ?? to.address, tls, credentials.current),
        }),
        parts.newFramer(),
        'secureConnect',
      ),
    close: () => {
      credentials.close();
      return sockets.close();
    },
    reload: () => {
      credentials.reload();
    },
  });
}

/** Which hosts a peer that connected may speak for (RFC 5923 9.2); undefined without a certificate that is valid. */
function identityOf(socket: TLSSocket): ((host: string) => boolean) | undefined {
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  return (host) => checkSipIdentity(host, certificate) === undefined;
}

/** Where a certificate was only asked for, one that came must be valid all the same. */
export function certificateFault(socket: TLSSocket): string | undefined {
  if (socket.authorized || Object.keys(socket.getPeerCertificate()).length === 0) return undefined;
  return `certificate not accepted: ${String(socket.authorizationError)}`;
}

/** Peers that never get as far as a message are noted as those that send nonsense. */
export function noteHandshakeFailures(
  server: { on(event: 'tlsClientError', listener: (error: Error, socket: TLSSocket) => void): unknown },
  transport: 'tls' | 'wss',
  handler: ConnectionParts['handler'],
): void {
  server.on('tlsClientError', (error, socket) => {
    const source = { transport, address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    handler.onBadBytes(source, `TLS handshake failed: ${error.message}`);
    socket.destroy();
  });
}
