import type { Random } from '../../common/random.js';
import type { Dialog } from '../../sip/dialog/dialog.js';
import { HeaderList, type SipRequest } from '../../sip/message.js';
import { formatNameAddr, parseNameAddr } from '../../sip/name-addr.js';
import type { Listener } from '../transport/listener.js';
import { copyHeaders, withoutLocalhost, type ApplicationMessage } from './application-message.js';

export type ApplicationRequest = Extract<ApplicationMessage, { kind: 'request' }>;

const IDENTITY = new Set(['from', 'to', 'call-id', 'cseq', 'max-forwards', 'contact', 'via']);

/** Requests that carry a Contact, as they form a dialog or refresh its target (RFC 3261 8.1.1.8, 12.2; RFC 6665). */
const WITH_CONTACT = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY', 'UPDATE']);

/** A request that opens a dialog or stands alone: the application's headers, and the engine's where it gave none. */
export function buildNewRequest(
  message: ApplicationRequest,
  listener: Listener,
  random: Random,
  takesRoute = false,
): SipRequest {
  const given = message.headers;
  const headers = new HeaderList();
  headers.add('Max-Forwards', given.get('max-forwards') ?? '70');
  const from = bracketed(
    withoutLocalhost(given.get('from') ?? `<sip:${listener.hostPort}>`, listener.hostPort),
  );
  headers.add('From', hasTag(from) ? from : `${from};tag=${random.token(6)}`);
  headers.add('To', bracketed(withoutLocalhost(given.get('to') ?? `<${message.uri}>`, listener.hostPort)));
  headers.add('Call-ID', given.get('call-id') ?? random.uuid());
  headers.add('CSeq', `${given.cseq()?.number ?? 1} ${message.method}`);
  const contact = contactFor(message, listener);
  if (contact !== undefined) headers.add('Contact', contact);
  if (takesRoute) for (const route of given.getAll('route')) headers.add('Route', route);
  copyHeaders(given, headers, listener.hostPort, IDENTITY);
  return { kind: 'request', method: message.method, uri: message.uri, headers, body: message.body };
}

/**
 * Whether the Route of a new request is the application's to give: it says so by a parameter of `proxy`, as with a
 * drachtio-server a Route of its own has no effect.
 */
export const givesRoute = (proxy: string): boolean => /;relevo-route(?:[;>]|$)/i.test(proxy);

/** A request within the dialog (RFC 3261 12.2.1.1); with `ackOf` the ACK to the 2xx of the INVITE with that CSeq. */
export function buildDialogRequest(
  dialog: Dialog,
  message: ApplicationRequest,
  listener: Listener,
  usualContact: string | undefined,
  ackOf?: number,
): SipRequest {
  const headers = new HeaderList();
  copyHeaders(message.headers, headers, listener.hostPort, IDENTITY);
  const contact = contactFor(message, listener, usualContact);
  const options = { headers, body: message.body, ...(contact === undefined ? {} : { contact }) };
  return ackOf === undefined
    ? dialog.createRequest(message.method, options)
    : dialog.createAck(ackOf, options);
}

/** Our Contact on that listener, for a request with that Request-URI: `sips` calls for `sips` (RFC 3261 8.1.1.8, 12.1.1). */
export function contactOn(listener: Listener, requestUri: string): string {
  const { transport, hostPort } = listener;
  // RFC 7118 5.2.4: a WebSocket is `ws` in a URI, secured or not.
  const named = transport === 'wss' ? 'ws' : transport;
  if (/^sips:/i.test(requestUri))
    return named === 'ws' ? `<sips:${hostPort};transport=ws>` : `<sips:${hostPort}>`;
  return transport === 'udp' ? `<sip:${hostPort}>` : `<sip:${hostPort};transport=${named}>`;
}

/** The application's Contact with the real address in place of `localhost`; ours where a Contact is needed. */
function contactFor(message: ApplicationRequest, listener: Listener, usual?: string): string | undefined {
  const given = message.headers.get('contact');
  if (given !== undefined) return bracketed(withoutLocalhost(given, listener.hostPort));
  return WITH_CONTACT.has(message.method) ? (usual ?? contactOn(listener, message.uri)) : undefined;
}

/** A bare URI gets the brackets that keep its parameters apart from those of the header; the rest stays as written. */
export function bracketed(value: string): string {
  if (value.includes('<')) return value;
  const parsed = parseNameAddr(value);
  return parsed ? formatNameAddr(parsed) : value;
}

function hasTag(value: string): boolean {
  return parseNameAddr(value)?.params.has('tag') ?? false;
}
