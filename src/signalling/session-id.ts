import type { SipHeaders } from '../call/vocabulary.js';
import type { SrfAck, SrfMessage } from './srf-types.js';

const GIVEN = /^session-id[ \t]*:[ \t]*([0-9a-f]{32})(?:[^\r\n]*?;[ \t]*remote=([0-9a-f]{32}))?/im;
const NIL = '0'.repeat(32);

/** The two ends that a message names (RFC 7989 5); null where it names none. */
function endsOf({
  raw,
}: Pick<SrfMessage, 'raw'>): { readonly local: string; readonly remote: string | null } | null {
  const [, local, remote] = GIVEN.exec(raw ?? '') ?? [];
  return local === undefined || local === NIL ? null : { local, remote: remote ?? null };
}

/**
 * The ACK (or PRACK) of a response, with the Session-ID of the request that it belongs to: the stack makes it, the call
 * does not. `sent` are the headers of our request.
 */
export function ackNamingSession(
  ack: SrfAck,
  sent: SipHeaders,
  response: { readonly msg: SrfMessage },
): SrfAck {
  const ours = sent['Session-ID'];
  if (typeof ours !== 'string') return ack;
  return (options, done) => {
    const far = endsOf(response.msg)?.local;
    const value = far === undefined ? ours : ours.replace(/;remote=.*/, `;remote=${far}`);
    ack({ ...options, headers: { ...options?.headers, 'Session-ID': value } }, done);
  };
}

/** Session-ID of a response that is not the call's to give: the request's, seen from here. */
export function replyNamingSession(request: { readonly msg: SrfMessage }): SipHeaders {
  const ends = endsOf(request.msg);
  if (!ends?.remote || ends.remote === NIL) return {};
  return { 'Session-ID': `${ends.remote};remote=${ends.local}` };
}
