import { HeaderList, NO_BODY, type SipRequest } from '../../sip/message.js';
import { formatNameAddr, parseNameAddr } from '../../sip/name-addr.js';
import type { Random } from '../../common/random.js';
import type { Listener } from '../transport/listener.js';
import { copyHeaders, withoutLocalhost, type ApplicationMessage } from './application-message.js';
import { contactOn } from './core.js';
import type { EngineDialog } from './engine-dialog.js';

type ApplicationRequest = Extract<ApplicationMessage, { kind: 'request' }>;

const MAX_FORWARDS = '70';
const IDENTITY = new Set(['from', 'to', 'call-id', 'cseq', 'max-forwards', 'contact', 'via']);

/** Requests that carry a Contact, as they form a dialog or refresh its target (RFC 3261 8.1.1.8, 12.2; RFC 6665). */
const WITH_CONTACT = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY', 'UPDATE']);

/** A request that opens a dialog or stands alone: the application's headers, and the engine's where it gave none. */
export function buildNewRequest(message: ApplicationRequest, listener: Listener, random: Random): SipRequest {
  const given = message.headers;
  const headers = new HeaderList();
  headers.add('Max-Forwards', given.get('max-forwards') ?? MAX_FORWARDS);
  const from = bracketed(withoutLocalhost(given.get('from') ?? `<sip:${listener.hostPort}>`, listener.hostPort));
  headers.add('From', hasTag(from) ? from : `${from};tag=${random.token(6)}`);
  headers.add('To', bracketed(withoutLocalhost(given.get('to') ?? `<${message.uri}>`, listener.hostPort)));
  headers.add('Call-ID', given.get('call-id') ?? random.uuid());
  headers.add('CSeq', `${given.cseq()?.number ?? 1} ${message.method}`);
  const contact = contactFor(message, listener);
  if (contact !== undefined) headers.add('Contact', contact);
  copyHeaders(given, headers, listener.hostPort, IDENTITY);
  return { kind: 'request', method: message.method, uri: message.uri, headers, body: message.body };
}

/** A request within the dialog (RFC 3261 12.2.1.1). `message` is absent for what the engine sends by itself. */
export function buildDialogRequest(
  dialog: EngineDialog,
  method: string,
  cseq: number,
  listener: Listener,
  message?: ApplicationRequest,
): SipRequest {
  const { uri, routes } = dialog.requestTarget();
  const headers = new HeaderList();
  headers.add('Max-Forwards', MAX_FORWARDS);
  for (const route of routes) headers.add('Route', route);
  headers.add('From', dialog.localParty);
  headers.add('To', dialog.remoteParty);
  headers.add('Call-ID', dialog.callId);
  headers.add('CSeq', `${cseq} ${method}`);
  if (message) {
    const contact = contactFor(message, listener, dialog.localContact);
    if (contact !== undefined) headers.add('Contact', contact);
    copyHeaders(message.headers, headers, listener.hostPort, IDENTITY);
  }
  return { kind: 'request', method, uri, headers, body: message?.body ?? NO_BODY };
}

/** The application's Contact with the real address in place of `localhost`; ours where a Contact is needed. */
export function contactFor(message: ApplicationRequest, listener: Listener, usual?: string): string | undefined {
  const given = message.headers.get('contact');
  if (given !== undefined) return bracketed(withoutLocalhost(given, listener.hostPort));
  return WITH_CONTACT.has(message.method) ? (usual ?? contactOn(listener)) : undefined;
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
