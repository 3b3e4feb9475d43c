import type { SipResponse } from '../../sip/message.js';

/** How long an overloaded peer asks to be left alone, in ms (RFC 3261 21.5.4). */
export function retryAfterMs(response: SipResponse): number | undefined {
  const seconds = /^\d{1,6}/.exec(response.headers.get('retry-after') ?? '')?.[0];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** The URI in drachtio-srf's `proxy`, which is a URI, or a host alone. */
export function proxyUri(proxy: string): string {
  const uri = proxy.startsWith('<') ? proxy.slice(1, proxy.indexOf('>')) : proxy;
  return /^sips?:/i.test(uri) ? uri : `sip:${uri}`;
}

/** How long an application lets the next hop of an INVITE say nothing at all, in ms; 0 without a bound. */
export function askedSilenceMs(proxy: string): number {
  return Number(/;relevo-silent-ms=(\d{1,6})(?:[;>]|$)/i.exec(proxy)?.[1] ?? 0);
}
