import type { CallHost } from '../call-host.js';
import { identityTowards, userPart, type OutgoingIdentity } from '../context/identity.js';
import { headerSafe } from '../context/template.js';
import type { Target } from '../destinations/destination-directory.js';

/**
 * From and the headers of an INVITE to an operator who is to hear this call. It is no call of the caller's: nothing
 * asserts its identity, and nothing of its INVITE is carried on. A caller who is to stay unnamed is not named here either.
 */
export function listenHeaders(host: CallHost, target: Target, listenerId: string): OutgoingIdentity {
  const { context, invite } = host;
  const { from } = identityTowards(invite, target);
  const who = target.identity.from.kind === 'caller' ? from.user : shownCaller(host, target);
  const about = headerSafe(`Listening: ${who} to ${userPart(invite.called)}`, 128);
  return {
    from: { user: from.user, displayName: target.identity.displayName === 'none' ? null : about },
    headers: {
      'Max-Forwards': '70',
      Subject: about,
      'X-Relevo-Call-Id': context.callId,
      'X-Relevo-Listener': headerSafe(listenerId, 64),
      'X-Relevo-Project': headerSafe(context.project.name, 64),
    },
  };
}

/** The caller as a call from its own number would show it. */
function shownCaller({ invite }: CallHost, target: Target): string {
  const identity = { ...target.identity, from: { kind: 'caller' } as const };
  return identityTowards(invite, { ...target, identity }).from.user;
}
