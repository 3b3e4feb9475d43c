import type { SipHeaders } from '../vocabulary.js';
import { fillTemplate, headerSafe, type TemplateValues } from './template.js';

/** Headers that the stack or the call machine writes: nobody else may. */
const FORBIDDEN = new Set(
  (
    'via from f to t call-id i cseq contact m route record-route max-forwards content-length l content-type c ' +
    'content-encoding e content-disposition content-language mime-version authorization proxy-authorization ' +
    'www-authenticate proxy-authenticate proxy-require require supported k unsupported allow allow-events u event o ' +
    'subscription-state replaces refer-to r referred-by b refer-sub target-dialog session-expires x min-se rseq rack ' +
    'expires min-expires user-agent server date timestamp identity y identity-info path service-route join ' +
    'accept accept-encoding accept-language authentication-info retry-after warning via v reason'
  ).split(' '),
);
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]{1,64}$/;

/** Who calls whom is written by the identity policy, never by a bot. */
const IDENTITY = new Set(
  'p-asserted-identity p-preferred-identity remote-party-id privacy diversion history-info session-id'.split(
    ' ',
  ),
);

export function isIdentityHeader(name: string): boolean {
  return IDENTITY.has(name.toLowerCase());
}

/** May a bot, a rule or a project set this header? */
export function mayBeSet(name: string): boolean {
  return TOKEN.test(name) && !FORBIDDEN.has(name.toLowerCase());
}

/**
 * The headers that carry the context of a transfer: templates filled, values made safe, forbidden names left out
 * and reported to `refused`.
 */
export function contextHeaders(
  templates: Readonly<Record<string, string>>,
  values: TemplateValues,
  refused: (name: string) => void,
  isForbidden: (name: string) => boolean = () => false,
): SipHeaders {
  const headers: Record<string, string> = {};
  for (const [name, template] of Object.entries(templates)) {
    if (!mayBeSet(name) || isForbidden(name)) {
      refused(headerSafe(name).slice(0, 64));
      continue;
    }
    const value = headerSafe(fillTemplate(template, values));
    if (value !== '') headers[name] = value;
  }
  return headers;
}
