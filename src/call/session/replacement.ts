import type { CallHost } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { InDialogRequest, LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import type { MediaDirection } from '../media-port.js';
import type { IncomingInvite, SignallingEvent } from '../signalling-port.js';
import type { Party } from '../vocabulary.js';

/** The address that an INVITE came from, as the leg's far end is shown. */
export function remoteOf(invite: IncomingInvite): string {
  return `sip:${invite.caller}@${invite.sourceAddress}:${invite.sourcePort}`;
}

/**
 * The status that refuses an INVITE with Replaces, or null (RFC 3891 3): 481 unknown or not confirmed, 603 ended or
 * not to be moved now, 486 for early-only on a confirmed dialog.
 */
export function replacesRefusal(
  replaced: Leg | undefined,
  about: { readonly earlyOnly: boolean; readonly busy: boolean },
): number | null {
  if (!replaced) return 481;
  if (replaced.gone || replaced.state === 'leaving' || replaced.state === 'hanging') return 603;
  if (!replaced.up) return 481;
  if (about.earlyOnly) return 486;
  return about.busy ? 603 : null;
}

/** What takes the place of a replaced leg. */
export interface ReplacementDeps {
  readonly host: CallHost;
  readonly replaced: Leg;
  /** Who listens to the new leg once it has taken over. */
  readonly owner: LegOwner;
  /** The new leg plays the old one's part from now on. */
  readonly takeOver: (leg: Leg) => void;
}

/** An INVITE with Replaces (RFC 3891): answered, media moved, then the replaced leg gets a BYE. */
export class Replacement implements LegOwner {
  readonly #deps: ReplacementDeps;

  constructor(deps: ReplacementDeps) {
    this.#deps = deps;
  }

  legProgress(): void {
    // The new leg called us.
  }

  legAnswered(leg: Leg): void {
    const { host, replaced, owner, takeOver } = this.#deps;
    const peer = host.bridge.peerOf(replaced);
    leg.adopt(owner);
    takeOver(leg);
    if (peer) host.bridge.connect(leg, peer);
    else host.bridge.play(leg, host.music());
    host.context.event('leg_replaced', { leg: replaced.legId, by: leg.legId });
    replaced.release({ headers: reasonHeader(200, 'Replaced') });
  }

  legFailed(leg: Leg, failure: LegFailure): void {
    // The old leg goes on as if nothing had been.
    this.#deps.host.context.event('replaces_failed', { leg: leg.legId, status: failure.status });
  }

  legEnded(leg: Leg, end: LegEnd): void {
    this.#deps.host.context.event('replaces_failed', { leg: leg.legId, detail: end.detail });
  }

  legRequest(leg: Leg, request: InDialogRequest): void {
    leg.respond(request.requestId, request.method === 'NOTIFY' ? 481 : 415);
  }

  legDigit(): void {
    // Not joined yet.
  }
  legDirection(_leg: Leg, _direction: MediaDirection, done: () => void): void {
    done();
  }
  legSilent(): void {
    // Not watched yet.
  }
  legPlayed(): void {
    // Nothing is played yet.
  }
}

/** Takes an INVITE with Replaces, or refuses it. `owners`: who listens to the leg that plays each part. */
export function takeReplacement(
  host: CallHost,
  event: Extract<SignallingEvent, { kind: 'incomingReplaces' }>,
  about: {
    readonly replaced: Leg | undefined;
    readonly owners: Readonly<Record<Party, LegOwner>>;
  },
): void {
  const { legId, invite } = event;
  const { roles } = host;
  const { replaced } = about;
  const role = (['caller', 'bot', 'agent'] as const).find((one) => replaced && roles[one] === replaced);
  const status = replacesRefusal(replaced, {
    earlyOnly: event.earlyOnly,
    busy: host.ending || role === undefined || host.transferInFlight(),
  });
  if (status !== null || !replaced || role === undefined) {
    host.context.signalling({ kind: 'reject', legId, status: status ?? 481, reason: null, headers: {} });
    return;
  }
  const takeOver = (leg: Leg): void => {
    roles[role] = leg;
  };
  const taking = new Replacement({ host, replaced, owner: about.owners[role], takeOver });
  host.context.sessionIds.learn(legId, role, invite.headers);
  const leg = host.takeLeg(legId, role, remoteOf(invite), replaced.profile, taking);
  leg.takeIncoming(invite.sipCallId, invite.sdp, invite.peer);
  leg.answer({});
}
