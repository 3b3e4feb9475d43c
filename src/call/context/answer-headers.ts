import type { SipHeaders } from '../vocabulary.js';
import { mayBeSet } from './context-headers.js';
import { headerSafe } from './template.js';

/** What all carried values of one response may come to (UTF-16 units): a 200 with SDP must stay one UDP datagram. */
const MAX_TOTAL = 1_024;
/** Written by the peer for its neighbour alone, or by us for every leg (RFC 7989). */
const NEVER = /^(?:session-id|path|flow-timer|recv-info|proxy-.*|security-.*|www-.*)$/i;
/** Whom the answer is from goes only to a peer that is trusted with it (RFC 3325). */
const ASSERTED = /^(?:p-asserted-identity|remote-party-id|p-preferred-identity)$/i;
const PATTERN = /^[A-Za-z0-9.!%*_+`'~-]+$/;

/**
 * What is wrong with an entry of `carry_answer_headers`, or null: a header name, or the beginning of names with `*`
 * behind it, such as `X-*`.
 */
export function answerHeaderFault(entry: string): string | null {
  const stem = entry.endsWith('*') ? entry.slice(0, -1) : entry;
  if (!PATTERN.test(entry) || stem.includes('*')) return 'is no header name';
  if (entry.endsWith('*')) return stem.length < 2 ? 'would carry whatever the bot writes' : null;
  return mayBeSet(stem) && !NEVER.test(stem) ? null : 'is written by the SIP stack for each side by itself';
}

function spelled(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_all, dash: string, letter: string) => dash + letter.toUpperCase());
}

/**
 * The headers of a bot's 18x or 2xx that go into ours towards the caller: those that `entries` name, made safe.
 * Routing, credentials and what belongs to one dialog never do; identities only where the caller's side is `trusted`.
 * What does not fit is left out and told to `refused`.
 */
export function answerHeaders(
  said: SipHeaders,
  entries: readonly string[],
  about: { readonly trusted: boolean; readonly refused: (name: string) => void },
): SipHeaders {
  const out: Record<string, string | readonly string[]> = {};
  if (entries.length === 0) return out;
  const wanted = (name: string): boolean =>
    entries.some((entry) =>
      entry.endsWith('*')
        ? name.toLowerCase().startsWith(entry.slice(0, -1).toLowerCase())
        : name.toLowerCase() === entry.toLowerCase(),
    );
  let left = MAX_TOTAL;
  for (const [name, value] of Object.entries(said)) {
    if (!wanted(name) || !mayBeSet(name) || NEVER.test(name)) continue;
    if (ASSERTED.test(name) && !about.trusted) continue;
    const all = typeof value === 'string' ? [value] : value;
    const values = all.map((one) => headerSafe(one)).filter((one) => one !== '');
    const size = values.reduce((sum, one) => sum + name.length + one.length + 4, 0);
    if (values.length === 0) continue;
    if (size > left) {
      about.refused(name);
      continue;
    }
    left -= size;
    out[spelled(name)] = values.length === 1 ? values[0]! : values;
  }
  return out;
}
