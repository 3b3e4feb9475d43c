import type { CallHost } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { Target } from '../destinations/destination-directory.js';
import type { InDialogRequest, LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { MediaProfile } from '../leg/leg-media.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import { mediaProfile } from '../leg/media-profile.js';
import type { MediaDirection } from '../media-port.js';
import { digitSteps, type DigitStep } from '../transfer/digit-steps.js';
import { outcomeOfStatus } from '../transfer/outcome.js';
import { LISTENER_ENDS, type ListenerEnd, type ListenerState, type SipHeaders } from '../vocabulary.js';
import { listenHeaders } from './listen-headers.js';
import { nextListenerState, type ListenerTrigger } from './listener-state.js';

/** A place to call with the session of its trunk that was taken for it. */
export interface OpenTarget {
  readonly target: Target;
  /** Gives the session back, once. */
  readonly release: () => void;
}

export interface ListenerPort {
  readonly listenerId: string;
  /** As it was asked for. */
  readonly to: string;
  /** The token that asked for it. */
  readonly by: string | null;
  /** The next place to call; null where there is none. */
  next(): OpenTarget | null;
  /** Whom the operator is to hear now. */
  heard(): Leg | null;
  /** The operator hears the call from now on. */
  listening(): void;
  /** It has ended. Comes once. */
  over(): void;
}

/**
 * An operator who hears a call: called at one phone after the other until one answers, then `listening` until either
 * side hangs up. What the operator says goes nowhere: no leg ever has this one as its source.
 */
export class Listener implements LegOwner {
  readonly #host: CallHost;
  readonly #port: ListenerPort;
  #state: ListenerState = 'calling';
  #open: OpenTarget | null = null;
  #leg: Leg | null = null;
  #tapped: Leg | null = null;

  constructor(host: CallHost, port: ListenerPort) {
    this.#host = host;
    this.#port = port;
  }

  get listenerId(): string {
    return this.#port.listenerId;
  }
  get state(): ListenerState {
    return this.#state;
  }

  /** Calls the first place, which has its session already. */
  start(first: OpenTarget): void {
    this.#call(first);
  }

  /** Lets the operator go; nothing where that has happened before. */
  stop(reason: ListenerEnd, headers: SipHeaders, detail: string): void {
    this.#end(reason, null, detail, headers);
  }

  /** Somebody else may play the part of the one who is heard: called after everything that happened in the call. */
  follow(): void {
    const leg = this.#leg;
    if (this.#state !== 'listening' || !leg?.up) return;
    const heard = this.#port.heard();
    if (heard === this.#tapped) return;
    this.#tapped = heard;
    this.#host.bridge.play(leg, heard ? { kind: 'tap', legId: heard.legId } : { kind: 'silence' });
  }

  dump(): object {
    const { listenerId, to } = this.#port;
    return { listenerId, to, state: this.#state, leg: this.#leg?.legId ?? null };
  }

  legProgress(_leg: Leg, status: number): void {
    if (this.#state !== 'calling' || status < 180) return;
    this.#move('ring');
    this.#record('listener_ringing', { status });
  }

  legAnswered(leg: Leg): void {
    if (!this.#move('answer')) return;
    this.#stopTimers();
    this.#record('listener_started', { status: 200 });
    this.#host.recordState();
    this.follow();
    this.#port.listening();
    const { thenDial } = this.#open?.target ?? { thenDial: null };
    if (thenDial !== null) this.#dialOn(leg, digitSteps(thenDial));
  }

  legFailed(_leg: Leg, { status, reason, cause }: LegFailure): void {
    const end = cause === 'media' ? 'media_failed' : endOf(status);
    this.#notReached(end, cause === 'media' ? null : status, `${status} ${reason}`);
  }

  legEnded(_leg: Leg, end: LegEnd): void {
    this.#end(end.how === 'bye' ? 'hung_up' : 'lost', null, end.detail, {});
  }

  legRequest(leg: Leg, request: InDialogRequest): void {
    // The conversation is not the operator's to hand on, nor to speak into.
    if (request.method === 'REFER') leg.respond(request.requestId, 603);
    else leg.respond(request.requestId, request.method === 'NOTIFY' ? 481 : 415);
  }
  legDigit(): void {
    // Keys of an operator mean nothing.
  }
  legDirection(_leg: Leg, _direction: MediaDirection, done: () => void): void {
    // An operator's hold is nobody else's.
    done();
  }
  legSilent(): void {
    // Who listens is silent.
  }
  legPlayed(): void {
    // Nothing is played to an operator.
  }

  #call(open: OpenTarget): void {
    const { context } = this.#host;
    const { target } = open;
    const { uri, proxies, auth } = target;
    this.#open = open;
    const leg = this.#host.newLeg('operator', uri, this.#profile(target), this);
    this.#leg = leg;
    const names = [target.destination, ...target.via];
    const { destinations } = context.deps;
    for (const name of names) destinations.began(name);
    this.#host.whenGone(leg, () => {
      for (const name of names) destinations.ended(name);
      open.release();
    });
    const ringMs = Math.min(target.ringTimeoutMs, context.project.listen?.ringTimeoutMs ?? Infinity);
    context.timers.start(this.#timer('ring'), ringMs, () => this.#noAnswer());
    this.#record('listener_calling', { uri });
    leg.dial({ uri, proxies, auth, ...listenHeaders(this.#host, target, this.#port.listenerId) });
  }

  /** What is mixed is made here: in G.711. */
  #profile(target: Target): MediaProfile {
    const trunk = { ...target.trunk, codecs: target.codecs };
    const profile = mediaProfile(trunk, this.#host.context.project, target.uri);
    return { ...profile, codecs: profile.codecs.filter((codec) => codec === 'PCMA' || codec === 'PCMU') };
  }

  #noAnswer(): void {
    const leg = this.#leg;
    // The CANCEL goes out before anybody else is called.
    leg?.release({ headers: reasonHeader(408, 'No answer') });
    this.#notReached('no_answer', null, 'no answer in time');
  }

  #notReached(end: ListenerEnd, status: number | null, detail: string): void {
    if (this.#state === 'ended') return;
    const next = this.#state === 'listening' ? null : this.#port.next();
    if (!next) {
      this.#end(end, status, detail, {});
      return;
    }
    this.#stopTimers();
    this.#record('listener_not_reached', { status, reason: end, detail });
    this.#move('next');
    this.#call(next);
  }

  /** Digits that follow the answer, such as an extension. */
  #dialOn(leg: Leg, steps: readonly DigitStep[]): void {
    const [first, ...rest] = steps;
    if (!first || !leg.up) return;
    if (first.kind === 'digits') leg.media.sendDtmf(first.digits);
    this.#host.context.timers.start(this.#timer('dial'), first.takesMs, () => this.#dialOn(leg, rest));
  }

  #end(reason: ListenerEnd, status: number | null, detail: string, headers: SipHeaders): void {
    if (this.#state === 'ended') return;
    this.#move('end');
    this.#stopTimers();
    this.#record('listener_ended', { status, reason, detail });
    this.#leg?.release({ headers });
    this.#port.over();
  }

  #record(name: string, more: Readonly<Record<string, string | number | null>>): void {
    const { listenerId: listener, to, by } = this.#port;
    const destination = this.#open?.target.destination ?? null;
    const leg = this.#leg?.legId ?? null;
    this.#host.context.event(name, { listener, to, by, destination, leg, ...more });
  }

  #stopTimers(): void {
    for (const name of ['ring', 'dial']) this.#host.context.timers.stop(this.#timer(name));
  }

  #timer(name: string): string {
    return `listener.${name}.${this.#port.listenerId}`;
  }

  #move(trigger: ListenerTrigger): boolean {
    const next = nextListenerState(this.#state, trigger);
    if (next === null) {
      this.#host.context.impossible('listener', { state: this.#state, trigger });
      return false;
    }
    this.#state = next;
    return true;
  }
}

/** A final status of the operator's phone as the reason of the end. */
function endOf(status: number): ListenerEnd {
  const outcome = outcomeOfStatus(status);
  return LISTENER_ENDS.find((end) => end === outcome) ?? 'failed';
}
