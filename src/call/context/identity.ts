import { formatNumber } from '../destinations/number-format.js';
import type { IdentityPolicy, Trunk } from '../project.js';
import type { IncomingInvite } from '../signalling-port.js';
import type { SipHeaders } from '../vocabulary.js';
import { headerValue, headerValues } from './sip-headers.js';
import { headerSafe } from './template.js';

/** Headers of the caller's INVITE that say who calls whom: towards a person they follow the identity policy. */
const IDENTITY_HEADERS = new Set([
  'p-asserted-identity',
  'p-preferred-identity',
  'remote-party-id',
  'diversion',
  'history-info',
  'privacy',
]);

export interface OutgoingIdentity {
  readonly from: { readonly user: string; readonly displayName: string | null };
  readonly headers: SipHeaders;
}

type Who = Pick<IncomingInvite, 'caller' | 'callerDisplayName' | 'called' | 'requestUri' | 'headers'>;

/** The host by which the caller's side addresses us: what our identities are made of. Null where it has none. */
export function ownHost(requestUri: string): string | null {
  return /^sips?:(?:[^@]*@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])/i.exec(requestUri)?.[1] ?? null;
}

/** A number or name as the user part of a URI: what could end it is taken out. */
export function userPart(text: string): string {
  return text.replace(/[^A-Za-z0-9+*._-]/g, '');
}

/** The number that was called, as a name-addr of ours, such as `<sip:+5491155550000@203.0.113.10>`. */
export function calledAddress(invite: Pick<Who, 'called' | 'requestUri'>): string {
  const user = userPart(invite.called);
  return `<sip:${user === '' ? 'relevo' : user}@${ownHost(invite.requestUri) ?? 'relevo.invalid'}>`;
}

/** The headers without those that the identity policy writes anew. */
export function withoutIdentity(headers: SipHeaders): SipHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !IDENTITY_HEADERS.has(name.toLowerCase())),
  );
}

/** Did the caller ask to stay unnamed (RFC 3323 4.2, RFC 3325 9.3)? */
function isWithheld({ headers, caller }: Who): boolean {
  const asked = headerValues(headers, 'privacy').flatMap((value) => value.toLowerCase().split(/[;,\s]+/));
  if (asked.some((one) => one === 'id' || one === 'user' || one === 'header')) return true;
  return (
    caller.toLowerCase() === 'anonymous' || /anonymous\.invalid/i.test(headerValue(headers, 'from') ?? '')
  );
}

function quoted(name: string | null): string {
  const safe = name === null ? '' : headerSafe(name).replace(/["\\]/g, '');
  return safe === '' ? '' : `"${safe}" `;
}

function historyInfo(who: Who, targetUri: string, host: string): readonly string[] {
  const earlier = headerValues(who.headers, 'history-info').map((value) => headerSafe(value));
  const own = `<sip:${userPart(who.called)}@${host}>`;
  const lastIndex = /;\s*index\s*=\s*([\d.]+)/i.exec(earlier.at(-1) ?? '')?.[1];
  if (lastIndex === undefined) return [`${own};index=1`, `<${targetUri}>;index=1.1;mp=1`];
  // RFC 7044 9.1: the request that reached us is an entry too, where the one before did not write it.
  const isThere = earlier.at(-1)!.includes(`:${userPart(who.called)}@`);
  if (isThere) return [...earlier, `<${targetUri}>;index=${lastIndex}.1;mp=${lastIndex}`];
  const ours = `${lastIndex}.1`;
  return [...earlier, `${own};index=${ours}`, `<${targetUri}>;index=${ours}.1;mp=${ours}`];
}

/**
 * Who a call to a person is from, as its trunk or destination allows: From, P-Asserted-Identity (RFC 3325),
 * Diversion (RFC 5806), History-Info (RFC 7044) and Privacy (RFC 3323), with numbers in the format of the trunk.
 */
export function identityTowards(
  who: Who,
  target: { readonly identity: IdentityPolicy; readonly trunk: Trunk; readonly uri: string },
): OutgoingIdentity {
  const { identity: policy, trunk } = target;
  const written = (number: string): string =>
    userPart(formatNumber(number, trunk.numberFormat, trunk.dialPlan));
  const host = ownHost(who.requestUri) ?? 'localhost';
  const caller = written(who.caller);
  const hidden = policy.privacy === 'id' || (policy.privacy === 'pass' && isWithheld(who));
  const name = policy.displayName === 'pass' && !hidden ? who.callerDisplayName : null;
  const headers: Record<string, string | readonly string[]> = {};
  if (policy.pAssertedIdentity && caller !== '' && caller.toLowerCase() !== 'anonymous') {
    const shown = policy.displayName === 'pass' ? quoted(who.callerDisplayName) : '';
    headers['P-Asserted-Identity'] = `${shown}<sip:${caller}@${host}>`;
  }
  if (policy.diversion && who.called !== '') {
    const privacy = policy.privacy === 'id' ? ';privacy=full' : '';
    const own = `<sip:${written(who.called)}@${host}>;reason=deflection;counter=1${privacy}`;
    headers['Diversion'] = [own, ...headerValues(who.headers, 'diversion').map((value) => headerSafe(value))];
  }
  if (policy.historyInfo && who.called !== '') headers['History-Info'] = historyInfo(who, target.uri, host);
  const asked = headerValue(who.headers, 'privacy');
  if (policy.privacy === 'id') headers['Privacy'] = 'id';
  else if (policy.privacy === 'pass' && asked !== null) headers['Privacy'] = headerSafe(asked);
  return { from: fromOf(policy, who, { caller, called: written(who.called), hidden, name }), headers };
}

function fromOf(
  policy: IdentityPolicy,
  who: Who,
  seen: {
    readonly caller: string;
    readonly called: string;
    readonly hidden: boolean;
    readonly name: string | null;
  },
): OutgoingIdentity['from'] {
  switch (policy.from.kind) {
    case 'caller':
      // RFC 3323 4.1.1.3.
      if (seen.hidden) return { user: 'anonymous', displayName: 'Anonymous' };
      return { user: seen.caller === '' ? userPart(who.caller) : seen.caller, displayName: seen.name };
    case 'called':
      return { user: seen.called, displayName: null };
    case 'fixed':
      return { user: policy.from.number, displayName: null };
  }
}
