import type { SipHeaders } from '../call/vocabulary.js';

/** Headers that belong to the transaction and the dialog: the server writes them, the application never does. */
const OURS_NEVER = new Set([
  'via',
  'route',
  'record-route',
  'contact',
  'call-id',
  'cseq',
  'from',
  'to',
  'content-length',
  'content-type',
]);

/** No value may start a new header line. */
const oneLine = (value: string): string =>
  value.includes('\r') || value.includes('\n') ? value.replace(/[\r\n]+/g, ' ') : value;

/**
 * Headers for the wire: names as they are spelled, repeated ones as several lines, those that belong to the SIP
 * server left out, line breaks taken out of the values.
 */
export function writeHeaders(headers: SipHeaders, contentType: string | null = null): Record<string, string> {
  const written: Record<string, string> = {};
  for (const name in headers) {
    if (OURS_NEVER.has(name.toLowerCase()) || !/^[\w.!%*+`'~-]+$/.test(name)) continue;
    const value = headers[name]!;
    if (typeof value === 'string') written[name] = oneLine(value);
    else if (value.length > 0) written[name] = value.map(oneLine).join(`\r\n${name}: `);
  }
  if (contentType !== null) written['Content-Type'] = oneLine(contentType);
  return written;
}

/** A From value; the server puts its own address for `localhost` and adds the tag. */
export function writeFrom(user: string, displayName: string | null): string {
  const escaped = user.replace(/[^\w\-.!~*'()&=+$,;?/]/g, (char) => encodeURIComponent(char));
  // RFC 3323 4.1.1.3: who stays unnamed has no address of ours either.
  if (user === 'anonymous') return '"Anonymous" <sip:anonymous@anonymous.invalid>';
  const uri = escaped === '' ? '<sip:localhost>' : `<sip:${escaped}@localhost>`;
  if (displayName === null || displayName === '') return uri;
  return `"${oneLine(displayName).replace(/(["\\])/g, '\\$1')}" ${uri}`;
}
