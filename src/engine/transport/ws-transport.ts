import { createServer as createHttpServer, STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Destination } from '../../sip/transaction/transport.js';
import type { ListenOptions } from '../engine-options.js';
import { ConnectionTransport, type ConnectionParts } from './connection-transport.js';
import { listenOn, OpenSockets, outgoingFrom } from './listen-socket.js';
import { makeListener } from './make-listener.js';
import { TlsCredentials } from './tls-credentials.js';
import { serverSettings, tlsOf, type TlsPeers } from './tls-settings.js';
import { certificateFault, noteHandshakeFailures } from './tls-transport.js';
import { WebSocketWire } from './web-socket-wire.js';

const SUBPROTOCOL = 'sip';
const HTTP_HEADER_BYTES = 16_384;
const CHECK_EVERY_MS = 1_000;

/** Binds a WS or WSS listener (RFC 7118). Rejects as `listenTcp` and `listenTls` do. */
export async function listenWs(
  options: ListenOptions,
  parts: ConnectionParts,
  peers: TlsPeers,
): Promise<ConnectionTransport> {
  const { limits, clock, log } = parts;
  const secure = options.transport === 'wss' ? tlsOf(options) : undefined;
  const credentials =
    secure &&
    new TlsCredentials(secure, parts, (changed) => {
      secureServer?.setSecureContext(serverSettings(secure, changed, limits.tcpFirstMessageMs));
    });
  const http = {
    maxHeaderSize: HTTP_HEADER_BYTES,
    headersTimeout: limits.tcpFirstMessageMs,
    requestTimeout: limits.tcpFirstMessageMs,
    connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, limits.tcpFirstMessageMs),
  };
  const secureServer: HttpsServer | undefined =
    secure &&
    credentials &&
    createHttpsServer({
      ...http,
      ...serverSettings(secure, credentials.current, limits.tcpFirstMessageMs),
    });
  const server: Server | HttpsServer = secureServer ?? createHttpServer(http);
  let port: number;
  try {
    port = await listenOn(server, options);
  } catch (error) {
    credentials?.close();
    throw error;
  }
  const transport = new ConnectionTransport(makeListener(options, port), parts);
  const sockets = new OpenSockets(server, parts.quota, (address) => parts.handler.admits(address));
  acceptUpgrades(server, options, transport, parts);
  if (secureServer) noteHandshakeFailures(secureServer, 'wss', parts.handler);
  server.on('error', (error) => {
    log.error({ err: error, port }, `${options.transport} listener failed`);
  });
  return transport.attach({
    dial: (to) => {
      const { localAddress } = outgoingFrom(options.address, to);
      const socket = new WebSocket(urlOf(options.transport, to), SUBPROTOCOL, {
        perMessageDeflate: false,
        maxPayload: limits.sipHeaderBytes + limits.sipMessageBytes,
        handshakeTimeout: limits.tcpConnectMs,
        ...(localAddress === undefined ? {} : { localAddress }),
        ...(to.host === undefined ? {} : { headers: { Host: `${to.host}:${to.port}` } }),
        ...(secure && credentials ? peers.settings(to.host ?? to.address, secure, credentials.current) : {}),
      });
      return new WebSocketWire(socket, clock, limits.wsPingMs);
    },
    close: () => {
      credentials?.close();
      return sockets.close();
    },
    reload: () => {
      credentials?.reload();
    },
  });
}

function acceptUpgrades(
  server: Server | HttpsServer,
  options: ListenOptions,
  transport: ConnectionTransport,
  parts: ConnectionParts,
): void {
  const { limits, clock, handler } = parts;
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.sipHeaderBytes + limits.sipMessageBytes,
    handleProtocols: () => SUBPROTOCOL,
  });
  server.on('request', (_request, response) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end();
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const address = request.socket.remoteAddress ?? '';
    const port = request.socket.remotePort ?? 0;
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request, options.origins);
    if (refusal) {
      handler.onBadBytes({ transport: options.transport, address, port }, refusal.reason);
      socket.end(
        `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      transport.accept(new WebSocketWire(opened, clock, limits.wsPingMs), { address, port });
    });
  });
}

function refusalOf(
  request: IncomingMessage,
  origins: readonly string[] | undefined,
): { status: number; reason: string } | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim());
  if (!offered.includes(SUBPROTOCOL)) return { status: 400, reason: 'WebSocket without the subprotocol sip' };
  const { origin } = request.headers;
  if (origins && origin !== undefined && !origins.includes(origin))
    return { status: 403, reason: 'WebSocket from a web page that is not allowed' };
  const fault = request.socket instanceof TLSSocket ? certificateFault(request.socket) : undefined;
  return fault === undefined ? undefined : { status: 403, reason: fault };
}

function urlOf(transport: string, { address, port }: Destination): string {
  return `${transport}://${address.includes(':') ? `[${address}]` : address}:${port}/`;
}
