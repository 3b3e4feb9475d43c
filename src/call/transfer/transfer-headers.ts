import type { CallHost, TransferWish } from '../call-host.js';
import { contextHeaders, isIdentityHeader } from '../context/context-headers.js';
import {
  calledAddress,
  identityTowards,
  withoutIdentity,
  type OutgoingIdentity,
} from '../context/identity.js';
import { userToUser } from '../context/user-to-user.js';
import type { Target } from '../destinations/destination-directory.js';
import { writeReferTo } from '../refer/refer-to.js';
import type { SipHeaders } from '../vocabulary.js';

/** What the transfer says of the call, but for User-to-User. */
function context(host: CallHost, wish: TransferWish): SipHeaders {
  const { transfer } = host.context.project;
  const values = host.templateValues(wish.reason, wish.summary);
  const refused = (header: string): void =>
    host.context.event('header_refused', { header, from: 'transfer' });
  const summary = transfer.summaryHeader === null ? {} : { [transfer.summaryHeader]: '{summary}' };
  return {
    ...contextHeaders(summary, values, refused),
    ...contextHeaders(transfer.headers, values, refused),
    // What a bot or the API names is a value, not a template, and says nothing of who calls.
    ...contextHeaders(literal(wish.headers), values, refused, isIdentityHeader),
  };
}

function uuiOf(host: CallHost, wish: TransferWish, target: Target): SipHeaders {
  const uui = userToUser(target.uui, host.templateValues(wish.reason, wish.summary));
  return uui === null ? {} : { 'User-to-User': uui };
}

function literal(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace(/[{}]/g, '')]),
  );
}

/** Referred-By (RFC 3892): the referrer's own, or the number that was called. */
function referredBy(host: CallHost, wish: TransferWish): string {
  return wish.referredBy ?? calledAddress(host.invite);
}

/** From and the headers of an INVITE to a person. */
export function inviteHeaders(
  host: CallHost,
  wish: TransferWish,
  target: Target,
  replaces: string | null,
): OutgoingIdentity {
  const identity = identityTowards(host.invite, target);
  const headers = {
    ...withoutIdentity(host.outgoingHeaders()),
    ...identity.headers,
    ...context(host, wish),
    ...uuiOf(host, wish, target),
    'Referred-By': referredBy(host, wish),
  };
  if (replaces === null) return { from: identity.from, headers };
  return { from: identity.from, headers: { ...headers, Replaces: replaces, Require: 'replaces' } };
}

/**
 * Headers of a REFER to the caller's side: the context stands inside the Refer-To URI, so that the peer's INVITE
 * carries it, and on the REFER for peers that copy from there.
 */
export function referHeaders(
  host: CallHost,
  wish: TransferWish,
  target: Target,
  to: { readonly uri: string; readonly replaces: string | null },
): SipHeaders {
  const carried = context(host, wish);
  const uui = uuiOf(host, wish, target);
  const place = target.uui?.place ?? 'both';
  const inside: Record<string, string> = to.replaces === null ? {} : { Replaces: to.replaces };
  for (const [name, value] of Object.entries({ ...carried, ...(place === 'header' ? {} : uui) })) {
    inside[name] = typeof value === 'string' ? value : (value[0] ?? '');
  }
  // RFC 4488 4.1.
  const silent: SipHeaders = host.context.deps.trunk.referSub
    ? {}
    : { 'Refer-Sub': 'false', Supported: 'norefersub' };
  return {
    ...carried,
    ...(place === 'refer-to' ? {} : uui),
    'Refer-To': writeReferTo(to.uri, inside),
    'Referred-By': referredBy(host, wish),
    ...silent,
  };
}

/** From and the headers of an INVITE in place of the caller: it is from the number that was called. */
export function callerSideHeaders(host: CallHost, wish: TransferWish, target: Target): OutgoingIdentity {
  const { called, requestUri } = host.invite;
  const who = { caller: called, callerDisplayName: null, called, requestUri, headers: {} };
  const identity = identityTowards(who, target);
  const headers = {
    'Max-Forwards': host.outgoingHeaders()['Max-Forwards'] ?? '69',
    ...identity.headers,
    ...context(host, wish),
    'Referred-By': referredBy(host, wish),
  };
  if (wish.replaces === null) return { from: identity.from, headers };
  return { from: identity.from, headers: { ...headers, Replaces: wish.replaces, Require: 'replaces' } };
}
