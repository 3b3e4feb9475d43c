import type { SipHeaders } from '../call/vocabulary.js';
import type { PeerAbilities } from '../call/signalling-port.js';

/** Compact header forms (RFC 3261 7.3.3 and its extensions). */
const COMPACT: ReadonlyMap<string, string> = new Map([
  ['a', 'accept-contact'],
  ['b', 'referred-by'],
  ['c', 'content-type'],
  ['d', 'request-disposition'],
  ['e', 'content-encoding'],
  ['f', 'from'],
  ['i', 'call-id'],
  ['j', 'reject-contact'],
  ['k', 'supported'],
  ['l', 'content-length'],
  ['m', 'contact'],
  ['n', 'identity-info'],
  ['o', 'event'],
  ['r', 'refer-to'],
  ['s', 'subject'],
  ['t', 'to'],
  ['u', 'allow-events'],
  ['v', 'via'],
  ['x', 'session-expires'],
  ['y', 'identity'],
]);

/**
 * The headers of a SIP message, names in lower case and in full, a repeated header as an array in its order.
 * Lines that are no header are left out. Never throws.
 */
export function readHeaders(raw: string | undefined): SipHeaders {
  const headers = Object.create(null) as Record<string, string | string[]>;
  if (raw === undefined) return headers;
  const end = raw.indexOf('\r\n\r\n');
  const head = end < 0 ? raw : raw.slice(0, end);
  let at = head.indexOf('\r\n');
  while (at >= 0) {
    const start = at + 2;
    let next = head.indexOf('\r\n', start);
    while (next >= 0 && isBlank(head.charCodeAt(next + 2))) next = head.indexOf('\r\n', next + 2);
    const line = next < 0 ? head.slice(start) : head.slice(start, next);
    at = next;
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const written = line.slice(0, colon).trim().toLowerCase();
    const name = COMPACT.get(written) ?? written;
    const value = unfold(line.slice(colon + 1));
    const former = headers[name];
    if (former === undefined) headers[name] = value;
    else if (typeof former === 'string') headers[name] = [former, value];
    else former.push(value);
  }
  return headers;
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

function unfold(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes('\r\n') ? trimmed.replace(/\r\n[ \t]+/g, ' ') : trimmed;
}

/** The first value of a header (lower-case name), or null. */
export function firstValue(headers: SipHeaders, name: string): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  return typeof value === 'string' ? value : (value[0] ?? null);
}

/** All lines of a header (lower-case name), in their order. */
export function valuesOf(headers: SipHeaders, name: string): readonly string[] {
  const value = headers[name];
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

/** The comma-separated tokens of a list header over all its lines, or null where it is absent. */
export function listValue(headers: SipHeaders, name: string): readonly string[] | null {
  const value = headers[name];
  if (value === undefined) return null;
  const joined = typeof value === 'string' ? value : value.join(',');
  return joined
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
}

/** A name-addr or addr-spec header value (From, To, Contact, P-Asserted-Identity). */
export interface NameAddress {
  readonly displayName: string | null;
  readonly uri: string;
  readonly tag: string | null;
}

/** Reads the first address of a header value; null where there is none. */
export function readNameAddress(value: string | null): NameAddress | null {
  if (value === null) return null;
  const quoted = /^\s*"((?:[^"\\]|\\.)*)"\s*/.exec(value);
  const rest = quoted ? value.slice(quoted[0].length) : value;
  const open = rest.indexOf('<');
  if (open < 0) {
    const uri = rest.trim().split(/[;,\s]/, 1)[0];
    if (uri === undefined || uri === '') return null;
    return { displayName: null, uri, tag: tagOf(rest) };
  }
  const close = rest.indexOf('>', open);
  if (close < 0) return null;
  const plain = rest.slice(0, open).trim();
  const displayName = quoted ? quoted[1]!.replace(/\\(.)/g, '$1') : plain === '' ? null : plain;
  return { displayName, uri: rest.slice(open + 1, close).trim(), tag: tagOf(rest.slice(close + 1)) };
}

function tagOf(parameters: string): string | null {
  const found = /;\s*tag\s*=\s*([^;,\s]+)/i.exec(parameters);
  return found ? found[1]! : null;
}

/**
 * The user part of a SIP URI without its parameters and escapes, or the number of a tel URI; '' where it has none.
 */
export function userOf(uri: string): string {
  const scheme = uri.indexOf(':');
  if (scheme < 0) return '';
  const rest = uri.slice(scheme + 1);
  let user: string;
  if (uri.slice(0, scheme).toLowerCase() === 'tel') {
    user = rest;
  } else {
    const at = rest.indexOf('@');
    if (at < 0) return '';
    user = rest.slice(0, at);
    const colon = user.indexOf(':');
    if (colon >= 0) user = user.slice(0, colon);
  }
  const semicolon = user.indexOf(';');
  if (semicolon >= 0) user = user.slice(0, semicolon);
  return unescapeUser(user);
}

function unescapeUser(user: string): string {
  if (!user.includes('%')) return user;
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

/** What the peer says that it can do. */
export function readAbilities(headers: SipHeaders): PeerAbilities {
  return {
    allow: listValue(headers, 'allow')?.map((method) => method.toUpperCase()) ?? null,
    supported: listValue(headers, 'supported')?.map((option) => option.toLowerCase()) ?? null,
    userAgent: firstValue(headers, 'user-agent') ?? firstValue(headers, 'server'),
  };
}

/** The CSeq number of a message, or null. */
export function cseqOf(headers: SipHeaders): number | null {
  const value = firstValue(headers, 'cseq');
  const found = value === null ? null : /^\s*(\d+)/.exec(value);
  return found ? Number(found[1]) : null;
}

/** The media type of a body in lower case, without parameters; null where none is said. */
export function contentTypeOf(headers: SipHeaders): string | null {
  const value = firstValue(headers, 'content-type');
  return value === null ? null : value.split(';', 1)[0]!.trim().toLowerCase();
}

/** The SDP of a message: its body, or the first `application/sdp` part of a multipart body (RFC 5621); else null. */
export function sdpOf(headers: SipHeaders, body: string | undefined): string | null {
  if (body === undefined || body.trim() === '') return null;
  const type = contentTypeOf(headers);
  if (type === 'application/sdp') return body;
  if (type === null) return body.startsWith('v=0') ? body : null;
  if (!type.startsWith('multipart/')) return null;
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))/i.exec(firstValue(headers, 'content-type') ?? '');
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return null;
  for (const part of body.split(`--${mark}`)) {
    const gap = part.indexOf('\r\n\r\n');
    if (gap < 0) continue;
    if (!/(^|\r\n)(content-type|c)\s*:\s*application\/sdp/i.test(part.slice(0, gap))) continue;
    const content = part.slice(gap + 4);
    return content.endsWith('\r\n') ? content : `${content}\r\n`;
  }
  return null;
}
