import { HeaderList, NO_BODY, type SipRequest, type SipResponse } from '../message.js';

/** The ACK to a non-2xx final response: same hop, same branch (RFC 3261 17.1.1.3). */
export function buildFailureAck(invite: SipRequest, response: SipResponse): SipRequest {
  const ack = sameHop(invite, 'ACK', response.headers.get('to') ?? '');
  // RFC 7989 5: it belongs to the session of its INVITE.
  const session = invite.headers.get('session-id');
  if (session !== undefined) ack.headers.add('Session-ID', session);
  return ack;
}

/** The CANCEL of a request: same hop, same branch, To as in the request (RFC 3261 9.1). */
export function buildCancel(invite: SipRequest, extra: Iterable<readonly [string, string]> = []): SipRequest {
  const cancel = sameHop(invite, 'CANCEL', invite.headers.get('to') ?? '');
  for (const [name, value] of extra) cancel.headers.add(name, value);
  return cancel;
}

function sameHop(invite: SipRequest, method: string, to: string): SipRequest {
  const from = invite.headers;
  const headers = new HeaderList();
  const via = from.topVia();
  const line = from.get('via') ?? '';
  headers.add('Via', via ? line.slice(0, via.end).trim() : line);
  for (const route of from.getAll('route')) headers.add('Route', route);
  headers.add('From', from.get('from') ?? '');
  headers.add('To', to);
  headers.add('Call-ID', from.callId());
  headers.add('CSeq', `${from.cseq()?.number ?? 1} ${method}`);
  headers.add('Max-Forwards', '70');
  return { kind: 'request', method, uri: invite.uri, headers, body: NO_BODY };
}
