import type { IncomingInvite } from '../call/signalling-port.js';
import type { SipHeaders } from '../call/vocabulary.js';
import { contentTypeOf, firstValue, listValue, readNameAddress } from './header-reading.js';

/** A final response that refuses an INVITE, and the name under which it is counted. */
export interface InviteRefusal {
  readonly status: number;
  readonly reason: string | null;
  readonly headers: SipHeaders;
  readonly counter: string;
}

/** Option tags that an INVITE may require of us (RFC 3261 19.2). */
const SUPPORTED_OPTIONS = new Set(['100rel', 'replaces', 'norefersub', 'histinfo', 'uui', 'from-change']);

/** What RFC 3261 8.2 has a UAS check before it looks at the meaning of an INVITE; null where all is well. */
export function checkInvite(invite: IncomingInvite, body: string | undefined): InviteRefusal | null {
  const { headers } = invite;
  if (readNameAddress(firstValue(headers, 'contact')) === null) {
    return { status: 400, reason: 'Missing Contact header field', headers: {}, counter: 'bad_request' };
  }
  const unsupported = (listValue(headers, 'require') ?? []).filter(
    (option) => !SUPPORTED_OPTIONS.has(option.toLowerCase()),
  );
  if (unsupported.length > 0) {
    return {
      status: 420,
      reason: null,
      headers: { Unsupported: unsupported.join(', ') },
      counter: 'bad_extension',
    };
  }
  return checkBody(invite, body);
}

/** RFC 3261 8.2.3. */
function checkBody({ headers, sdp }: IncomingInvite, body: string | undefined): InviteRefusal | null {
  if (body === undefined || body.trim() === '') return null;
  if (/handling\s*=\s*optional/i.test(firstValue(headers, 'content-disposition') ?? '')) return null;
  const encoding = (firstValue(headers, 'content-encoding') ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity') {
    return {
      status: 415,
      reason: null,
      headers: { Accept: 'application/sdp', 'Accept-Encoding': 'identity' },
      counter: 'unsupported_media_type',
    };
  }
  const type = contentTypeOf(headers);
  if (sdp !== null || type === null || type === 'application/sdp') return null;
  return {
    status: 415,
    reason: null,
    headers: { Accept: 'application/sdp' },
    counter: 'unsupported_media_type',
  };
}
