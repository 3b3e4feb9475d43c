import type { CallHost } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { InDialogRequest, LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import type { MediaProfile } from '../leg/leg-media.js';
import type { MediaDirection } from '../media-port.js';
import { JOIN_CODECS } from '../refer/join-target.js';
import type { IncomingInvite, LegId, SignallingEvent } from '../signalling-port.js';
import type { Speaker } from '../vocabulary.js';
import { HeldLeg } from './held-leg.js';

type ReplacesEvent = Extract<SignallingEvent, { kind: 'incomingReplaces' }>;

const PARTIES: readonly Speaker[] = ['caller', 'bot', 'agent'];

/** The address that an INVITE came from, as the leg's far end is shown. */
export function remoteOf(invite: IncomingInvite): string {
  return `sip:${invite.caller}@${invite.sourceAddress}:${invite.sourcePort}`;
}

/** What the replacements need of their call. */
export interface ReplacementsPort {
  leg(legId: LegId): Leg | undefined;
  /** Who listens to the leg that plays each part. */
  readonly owners: Readonly<Record<Speaker, LegOwner>>;
  /** May this leg, which plays a part, be replaced while a transfer is in flight? */
  mayReplace(leg: Leg): boolean;
  /** A leg that plays a part was replaced. */
  replaced(leg: Leg, by: Leg): void;
  /** The caller was told that somebody's phone rings. */
  rang(): boolean;
}

/** The INVITEs with Replaces that come to one call: each replaces a leg, or is refused (RFC 3891 3). */
export class Replacements {
  readonly #host: CallHost;
  readonly #port: ReplacementsPort;
  readonly #held = new Map<LegId, HeldLeg>();

  constructor(host: CallHost, port: ReplacementsPort) {
    this.#host = host;
    this.#port = port;
  }

  /** Another call is about to replace this leg: its end is kept back for a moment. */
  claim(legId: LegId): void {
    const leg = this.#port.leg(legId);
    if (leg && !leg.gone && !this.#host.ending) this.#hold(leg);
  }

  take(event: ReplacesEvent): void {
    const { legId, invite } = event;
    const { context } = this.#host;
    context.legIdTaken(legId);
    const replaced = this.#port.leg(event.replacesLegId);
    const status = this.#refusal(replaced, event);
    if (status !== null || !replaced) {
      this.#held.get(event.replacesLegId)?.giveBack();
      context.signalling({ kind: 'reject', legId, status: status ?? 481, reason: null, headers: {} });
      return;
    }
    const party = this.#partOf(replaced) ?? replaced.party;
    context.sessionIds.learn(legId, party, invite.headers);
    const held = this.#hold(replaced);
    if (held.early && !this.#host.answered) {
      this.#takeEarly(event, held);
      return;
    }
    held.keep();
    const taking = new Replacement({
      host: this.#host,
      held,
      partOf: () => this.#partOf(replaced),
      port: this.#port,
      event,
    });
    const leg = this.#host.takeLeg(legId, party, remoteOf(invite), profileOf(event, replaced), taking);
    leg.takeIncoming(invite.sipCallId, invite.sdp, invite.peer);
    leg.answer({});
  }

  #refusal(replaced: Leg | undefined, event: ReplacesEvent): number | null {
    if (!replaced) return 481;
    const held = this.#held.get(replaced.legId);
    const over = isOver(replaced);
    if (this.#host.ending || (over && held?.ended !== true)) return 603;
    // A dialog that its caller has not answered: of ours it may be replaced, of theirs only where they asked for it.
    const local = event.joinedBy !== undefined;
    const early = replaced.state === 'early';
    if (!over && !replaced.up && !early && !(local && ['offered', 'answering'].includes(replaced.state)))
      return 481;
    if (event.earlyOnly && !early) return 486;
    if (this.#partOf(replaced) !== null) {
      return this.#host.transferInFlight() && !this.#port.mayReplace(replaced) ? 603 : null;
    }
    const probe = held ?? this.#hold(replaced);
    if (probe.replaceable) return null;
    probe.giveBack();
    return 603;
  }

  #partOf(leg: Leg): Speaker | null {
    return PARTIES.find((one) => this.#host.roles[one] === leg) ?? null;
  }

  #hold(leg: Leg): HeldLeg {
    const held = this.#held.get(leg.legId);
    if (held) return held;
    const made = new HeldLeg(this.#host, leg, () => this.#held.delete(leg.legId));
    this.#held.set(leg.legId, made);
    return made;
  }

  /** The caller's phone handed its unanswered call over: whoever takes it waits in its place. */
  #takeEarly(event: ReplacesEvent, held: HeldLeg): void {
    const { bridge, context, roles } = this.#host;
    const { legId, invite } = event;
    const { place } = held;
    held.drop();
    const profile = profileOf(event, held.leg);
    const leg = this.#host.takeLeg(legId, 'caller', remoteOf(invite), profile, this.#port.owners.caller);
    roles.caller = leg;
    leg.takeIncoming(invite.sipCallId, invite.sdp, invite.peer);
    if (place) bridge.takePlace(leg, place);
    this.#port.replaced(held.leg, leg);
    recordReplaced(this.#host, held.leg, leg, event);
    if (this.#port.rang()) leg.ring(180, false);
    held.leg.release({ status: 487, headers: reasonHeader(200, 'Replaced') });
    const answered = roles.agent?.up ? roles.agent : roles.bot?.up ? roles.bot : null;
    if (!answered) {
      context.event('replaced_early', { leg: legId });
      return;
    }
    bridge.connect(leg, answered);
    leg.answer({});
  }
}

const isOver = (leg: Leg): boolean => ['gone', 'leaving', 'hanging', 'cancelling'].includes(leg.state);

function profileOf(event: ReplacesEvent, replaced: Leg): MediaProfile {
  // Between two calls of this node both sides are ours.
  if (event.joinedBy === undefined) return replaced.profile;
  return { codecs: JOIN_CODECS, symmetricRtp: true, family: 4, dtmf: 'rfc4733' };
}

function recordReplaced(host: CallHost, replaced: Leg, by: Leg, event: ReplacesEvent): void {
  const { context } = host;
  context.event('leg_replaced', { leg: replaced.legId, by: by.legId });
  if (event.joinedBy !== undefined) context.event('call_joined', { call: event.joinedBy, leg: by.legId });
}

interface ReplacementDeps {
  readonly host: CallHost;
  readonly held: HeldLeg;
  readonly partOf: () => Speaker | null;
  readonly port: ReplacementsPort;
  readonly event: ReplacesEvent;
}

/** One INVITE with Replaces that is being answered: then the media is moved, and the replaced leg is let go. */
class Replacement implements LegOwner {
  readonly #deps: ReplacementDeps;

  constructor(deps: ReplacementDeps) {
    this.#deps = deps;
  }

  legProgress(): void {
    // The new leg called us.
  }

  legAnswered(leg: Leg): void {
    const { host, held, port, event } = this.#deps;
    const { leg: replaced, place } = held;
    const part = this.#deps.partOf();
    const early = replaced.state === 'early';
    if (event.earlyOnly && !early && !held.ended) {
      // It was answered while we answered: RFC 3891 3 wants it left alone.
      held.giveBack();
      this.#refused(leg, 486);
      return;
    }
    if (!held.ended && isOver(replaced)) {
      // It was let go meanwhile: nobody waits for a phone in its place.
      held.drop();
      this.#refused(leg, 480);
      return;
    }
    if (part === null) {
      if (place) host.bridge.takePlace(leg, place);
      if (!held.handOver(leg)) {
        this.#refused(leg, 480);
        return;
      }
    } else {
      held.drop();
      leg.adopt(port.owners[part]);
      host.roles[part] = leg;
      if (place) host.bridge.takePlace(leg, place);
      else if (!early) host.bridge.play(leg, host.music());
      port.replaced(replaced, leg);
      if (part === 'caller') this.#watchCaller(leg);
      if (early) port.owners[part].legAnswered(leg);
    }
    recordReplaced(host, replaced, leg, event);
    replaced.release({ headers: reasonHeader(200, early ? 'Call completed elsewhere' : 'Replaced') });
  }

  legFailed(leg: Leg, failure: LegFailure): void {
    // The old leg goes on as if nothing had been.
    const { host, held } = this.#deps;
    host.context.event('replaces_failed', { leg: leg.legId, status: failure.status });
    held.giveBack();
  }

  legEnded(leg: Leg, end: LegEnd): void {
    const { host, held } = this.#deps;
    host.context.event('replaces_failed', { leg: leg.legId, detail: end.detail });
    held.giveBack();
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

  #watchCaller(leg: Leg): void {
    const { host } = this.#deps;
    leg.media.watch(host.context.project.callerMediaTimeoutMs);
    if (!host.answered) host.callerAnswered();
    if (host.transferInFlight()) leg.media.startGap();
  }

  #refused(leg: Leg, status: number): void {
    this.#deps.host.context.event('replaces_failed', { leg: leg.legId, status });
    leg.release({ headers: reasonHeader(status, 'Not replaced') });
  }
}
