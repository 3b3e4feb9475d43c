import type { CallHost, TransferWish } from '../call-host.js';
import { contextHeaders } from '../context/context-headers.js';
import { userToUser } from '../context/user-to-user.js';
import { writeReferTo } from '../refer/refer-to.js';
import type { SipHeaders } from '../vocabulary.js';

function context(host: CallHost, wish: TransferWish): SipHeaders {
  const { transfer } = host.context.project;
  const values = host.templateValues(wish.reason, wish.summary);
  const refused = (header: string): void =>
    host.context.event('header_refused', { header, from: 'transfer' });
  const uui = userToUser(transfer.uui, values);
  return {
    ...contextHeaders(transfer.headers, values, refused),
    // What a bot or the API names is a value, not a template.
    ...contextHeaders(literal(wish.headers), values, refused),
    ...(uui === null ? {} : { 'User-to-User': uui }),
  };
}

function literal(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replace(/[{}]/g, '')]),
  );
}

/** Referred-By (RFC 3892): the referrer's own, or the number that was called. */
function referredBy(host: CallHost, wish: TransferWish): string {
  if (wish.referredBy !== null) return wish.referredBy;
  const user = host.invite.called.replace(/[^A-Za-z0-9+*#._-]/g, '');
  return `<sip:${user === '' ? 'relevo' : user}@relevo.invalid>`;
}

/** Headers of an INVITE to a person. */
export function inviteHeaders(host: CallHost, wish: TransferWish, replaces: string | null): SipHeaders {
  const headers = {
    ...host.outgoingHeaders(),
    ...context(host, wish),
    'Referred-By': referredBy(host, wish),
  };
  return replaces === null ? headers : { ...headers, Replaces: replaces, Require: 'replaces' };
}

/**
 * Headers of a REFER to the caller's side: the context stands inside the Refer-To URI, so that the peer's INVITE
 * carries it, and on the REFER for peers that copy from there.
 */
export function referHeaders(
  host: CallHost,
  wish: TransferWish,
  uri: string,
  replaces: string | null,
): SipHeaders {
  const carried = context(host, wish);
  const inside: Record<string, string> = replaces === null ? {} : { Replaces: replaces };
  for (const [name, value] of Object.entries(carried)) {
    inside[name] = typeof value === 'string' ? value : (value[0] ?? '');
  }
  return { ...carried, 'Refer-To': writeReferTo(uri, inside), 'Referred-By': referredBy(host, wish) };
}
