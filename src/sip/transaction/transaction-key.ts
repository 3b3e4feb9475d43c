import type { SipRequest } from '../message.js';
import { MAGIC_COOKIE } from '../via.js';

/**
 * The key of the server transaction that a request belongs to (RFC 3261 17.2.3): branch, sent-by and method,
 * with ACK counted as INVITE; without the magic cookie, what RFC 2543 compares. `method` overrides the
 * request's own, to find the INVITE of a CANCEL (9.2).
 */
export function serverKey(request: SipRequest, method: string = request.method): string {
  const via = request.headers.topVia();
  const of = method === 'ACK' ? 'INVITE' : method;
  const branch = via?.branch;
  if (branch !== undefined && branch.length > MAGIC_COOKIE.length && branch.startsWith(MAGIC_COOKIE)) {
    return `${branch}|${via!.sentBy}|${of}`;
  }
  const { headers } = request;
  const hop = `${via?.sentBy ?? ''};${branch ?? ''}`;
  const number = headers.cseq()?.number ?? 0;
  return `${headers.callId()}|${number}|${headers.fromTag() ?? ''}|${request.uri}|${hop}|${of}`;
}

/** The key of the client transaction that a response belongs to: our branch and the CSeq method (17.1.3). */
export function clientKey(branch: string, method: string): string {
  return `${branch}|${method}`;
}

/** What two copies of one request have in common when they came by different paths (RFC 3261 8.2.2.2). */
export function mergeKey(request: SipRequest): string {
  const { headers } = request;
  return `${headers.callId()}|${headers.fromTag() ?? ''}|${headers.get('cseq') ?? ''}`;
}

/** What a loop within a spiral has in common with an earlier turn of it: the Request-URI too (RFC 3261 16.3 item 4). */
export function spiralKey(merge: string, request: SipRequest): string {
  return `${merge}|${request.uri}`;
}
