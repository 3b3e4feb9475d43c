import { HeaderList, NO_BODY, type SipRequest, type SipResponse } from './message.js';
import { reasonPhrase } from './reason-phrase.js';

export interface ResponseOptions {
  /** Put into To when the request's To has none; needed on everything but 100 (RFC 3261 8.2.6.2). */
  readonly toTag?: string;
  /** Header lines to append, in order. */
  readonly headers?: Iterable<readonly [string, string]>;
  readonly body?: Buffer;
}

/**
 * A response to the request (RFC 3261 8.2.6): Via, From, To, Call-ID and CSeq are copied, Timestamp on 100,
 * and Record-Route on what may form a dialog (101-299 to INVITE, SUBSCRIBE, REFER; 12.1.1).
 */
export function createResponse(
  request: SipRequest,
  status: number,
  reason: string = reasonPhrase(status),
  options: ResponseOptions = {},
): SipResponse {
  const from = request.headers;
  const headers = new HeaderList();
  for (const via of from.getAll('via')) headers.add('Via', via);
  headers.add('From', from.get('from') ?? '');
  const to = from.get('to') ?? '';
  headers.add(
    'To',
    options.toTag === undefined || from.toTag() !== undefined ? to : `${to};tag=${options.toTag}`,
  );
  headers.add('Call-ID', from.callId());
  headers.add('CSeq', from.get('cseq') ?? '');
  if (status === 100) {
    const timestamp = from.get('timestamp');
    if (timestamp !== undefined) headers.add('Timestamp', timestamp);
  } else if (status < 300 && formsDialog(request.method)) {
    for (const route of from.getAll('record-route')) headers.add('Record-Route', route);
  }
  if (options.headers) for (const [name, value] of options.headers) headers.add(name, value);
  return { kind: 'response', status, reason, headers, body: options.body ?? NO_BODY };
}

/** Whether the method can create a dialog (RFC 3261 12, RFC 6665 4.4.1, RFC 3515 2.4.6). */
export function formsDialog(method: string): boolean {
  return method === 'INVITE' || method === 'SUBSCRIBE' || method === 'REFER';
}
