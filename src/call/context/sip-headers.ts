import type { SipHeaders } from '../vocabulary.js';

/** All values of a header, whatever its spelling; empty where it is absent. */
export function headerValues(headers: SipHeaders, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  for (const key of Object.keys(headers)) {
    if (key.toLowerCase() !== wanted) continue;
    const value = headers[key]!;
    return typeof value === 'string' ? [value] : value;
  }
  return [];
}

/** The first value of a header, or null. */
export function headerValue(headers: SipHeaders, name: string): string | null {
  return headerValues(headers, name)[0] ?? null;
}

/** One value of the Reason header (RFC 3326). */
export function reasonHeader(cause: number, text: string, protocol: 'SIP' | 'Q.850' = 'SIP'): SipHeaders {
  return { Reason: `${protocol};cause=${cause};text="${text.replace(/["\\\r\n]/g, ' ')}"` };
}

/** The Reason header of a request, to be carried on to the other side; empty where there is none. */
export function carriedReason(headers: SipHeaders): SipHeaders {
  const values = headerValues(headers, 'reason');
  return values.length === 0 ? {} : { Reason: values };
}
