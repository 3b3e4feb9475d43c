import type { SipMessage } from '../../sip/message.js';
import { parseVia, type Via } from '../../sip/via.js';
import type { Destination } from '../../sip/transaction/transport.js';
import { DEFAULT_PORTS } from './make-listener.js';

/** The places that DNS knows for the sent-by of a Via (RFC 3263 5). */
export type FindBackups = (via: Via, transport: Destination['transport']) => Promise<readonly Destination[]>;

/** The top Via of what is sent: of the message, or of its bytes where it is sent again. Undefined for requests. */
export function responseVia(bytes: Buffer, message: SipMessage | undefined): Via | undefined {
  if (message) return message.kind === 'response' ? message.headers.topVia() : undefined;
  if (bytes.toString('latin1', 0, 8) !== 'SIP/2.0 ') return undefined;
  const line = /\r\n(?:via|v)[ \t]*:[ \t]*([^\r\n]+)/i.exec(bytes.toString('latin1'))?.[1];
  return line === undefined ? undefined : parseVia(line);
}

/**
 * RFC 3261 18.2.2: a response whose connection has gone opens one to the address it came from, at the sent-by port.
 * Nobody can open a WebSocket to a browser: there undefined.
 */
export function responseRoute(destination: Destination, via: Via): Destination | undefined {
  const { transport, address, localAddress, localPort } = destination;
  if (transport === 'ws' || transport === 'wss') return undefined;
  return {
    transport,
    address,
    port: via.port ?? DEFAULT_PORTS[transport],
    host: bareHost(via.host),
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(localPort === undefined ? {} : { localPort }),
  };
}

/** A host without the brackets of an IPv6 reference. */
export function bareHost(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

/**
 * Sends a response to the places that DNS has for the sent-by, one after the other, once the connection and the
 * address it came from have failed (RFC 3263 5). `failed` is called when none is left.
 */
export async function sendToBackups(
  find: () => Promise<readonly Destination[]>,
  tried: Destination,
  send: (to: Destination, onError: (reason: string) => void) => void,
  failed: (reason: string) => void,
): Promise<void> {
  const left = (await find()).filter(({ address, port }) => address !== tried.address || port !== tried.port);
  const next = (reason: string): void => {
    const to = left.shift();
    if (to) send(to, next);
    else failed(reason);
  };
  next('connection refused');
}
