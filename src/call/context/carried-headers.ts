import type { IncomingInvite } from '../signalling-port.js';
import type { SipHeaders } from '../vocabulary.js';
import { headerValue, headerValues } from './sip-headers.js';
import { mayBeSet } from './context-headers.js';
import { headerSafe } from './template.js';

/** What a B2BUA carries from the caller's INVITE by itself, beside X-* (RFC 7092), with the spelling to send. */
const CARRIED = [
  'User-to-User',
  'P-Asserted-Identity',
  'P-Preferred-Identity',
  'Diversion',
  'History-Info',
  'Privacy',
  'Subject',
  'Priority',
  'Alert-Info',
  'Call-Info',
  'Geolocation',
];

/** Longest value that is carried on (octets of UTF-16). */
const MAX_CARRIED = 4_096;

function spelled(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_all, dash: string, letter: string) => dash + letter.toUpperCase());
}

/**
 * The headers of the caller's INVITE that go on to the bot and the agent: identity, context, X-*, and those that
 * the project names. Routing, credentials and the caller's device stay hidden.
 */
export function carriedHeaders(invite: IncomingInvite, more: readonly string[]): SipHeaders {
  const out: Record<string, string | readonly string[]> = {};
  const add = (name: string): void => {
    const values = headerValues(invite.headers, name).map((value) => headerSafe(value, MAX_CARRIED));
    if (values.length > 0) out[name] = values.length === 1 ? values[0]! : values;
  };
  for (const name of CARRIED) add(name);
  for (const name of Object.keys(invite.headers)) {
    // Those of this node say which call and which listener: a caller's word for it would mislead.
    if (/^x-(?!relevo-)/i.test(name)) add(spelled(name));
  }
  for (const name of more) {
    if (mayBeSet(name) && !CARRIED.some((own) => own.toLowerCase() === name.toLowerCase())) add(name);
  }
  return out;
}

/** Max-Forwards of what we send on (RFC 3261 16.6, RFC 7092 3.2): one less; null where the call must stop here. */
export function nextMaxForwards(headers: SipHeaders): number | null {
  const text = headerValue(headers, 'max-forwards');
  const hops = text === null ? 70 : Number.parseInt(text, 10);
  if (!Number.isInteger(hops) || hops < 0 || hops > 255) return 69;
  return hops === 0 ? null : hops - 1;
}
