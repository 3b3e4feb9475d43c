import type { SipHeaders } from '../vocabulary.js';
import { headerValue } from './sip-headers.js';

/** What may stand in braces. Names of headers are written `{header.X-Tier}`. */
export interface TemplateValues {
  readonly called: string;
  readonly caller: string;
  readonly callId: string;
  readonly reason: string;
  readonly summary: string;
  readonly headers: SipHeaders;
}

/** Longest value of a header that we write (octets of UTF-16; well under any UDP datagram). */
const MAX_VALUE = 512;

/** Takes out everything that could end a header line or hide in one: CR, LF and the other control characters. */
export function headerSafe(text: string, max = MAX_VALUE): string {
  let out = '';
  for (const char of text) out += char < ' ' || char === '\u007f' ? ' ' : char;
  return out.replace(/ {2,}/g, ' ').trim().slice(0, max);
}

/** Fills a template; an unknown name becomes empty. The result is not made safe for any use yet. */
export function fillTemplate(template: string, values: TemplateValues): string {
  return template.replace(/\{([A-Za-z][A-Za-z0-9.\-_]*)\}/g, (_all, name: string) => {
    switch (name) {
      case 'called':
      case 'caller':
      case 'callId':
      case 'reason':
      case 'summary':
        return values[name];
      default:
        return name.startsWith('header.') ? (headerValue(values.headers, name.slice(7)) ?? '') : '';
    }
  });
}

/** Fills a template that makes a URI: what comes from outside cannot add parameters, headers or a host. */
export function fillUri(template: string, values: TemplateValues): string {
  const safe = (text: string): string => text.replace(/[^A-Za-z0-9+*#._-]/g, '');
  const headers = Object.fromEntries(
    Object.entries(values.headers).map(([name, value]) => [
      name,
      safe(typeof value === 'string' ? value : (value[0] ?? '')),
    ]),
  );
  return fillTemplate(template, {
    called: safe(values.called),
    caller: safe(values.caller),
    callId: safe(values.callId),
    reason: safe(values.reason),
    summary: safe(values.summary),
    headers,
  });
}
