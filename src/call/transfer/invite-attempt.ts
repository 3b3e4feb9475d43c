import type { CallHost } from '../call-host.js';
import type { OutgoingIdentity } from '../context/identity.js';
import { headerValues, reasonHeader } from '../context/sip-headers.js';
import type { Target } from '../destinations/destination-directory.js';
import type { InDialogRequest, LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import { mediaProfile } from '../leg/media-profile.js';
import type { MediaDirection } from '../media-port.js';
import type { AttemptMethod, EndedBy, SipHeaders } from '../vocabulary.js';
import { AttemptLog, type Attempt, type AttemptFailure, type AttemptObserver } from './attempt.js';
import type { CallerGoneNotices } from './caller-gone-notices.js';
import { digitSteps, type DigitStep } from './digit-steps.js';
import { outcomeOfStatus } from './outcome.js';

export interface InviteOptions {
  readonly method: AttemptMethod;
  readonly from: OutgoingIdentity['from'];
  readonly headers: SipHeaders;
  /** Digit that takes the call; null joins at answer (after the brief). */
  readonly acceptDigit: string | null;
  readonly brief: 'none' | 'audio' | 'bot';
  /** The leg that speaks to the agent where the bot briefs; null where it is gone. */
  readonly briefer: () => Leg | null;
  /** Tell the person that was reached when the caller has hung up; without it the BYE goes out at once. */
  readonly notices?: CallerGoneNotices;
  /** Whose part the person plays; the agent's unless said. */
  readonly party?: 'caller' | 'agent';
  /** Where to dial instead of the target's own URI (a consultation's Contact). */
  readonly uri?: string;
  /** Bound of the answer (ms) where it is shorter than the target's ring time. */
  readonly answerMs?: number;
}

/** What the agent hears first is a prompt; this is its mark. */
const BRIEF = 'brief';

/**
 * A person is dialled: `dialling` until the answer, `dialling on` while digits are sent, `briefing` until the person took the call (the brief, the accept
 * gate), then `taken`.
 */
export class InviteAttempt implements Attempt, LegOwner {
  readonly kind = 'invite';
  readonly target: Target;
  readonly log: AttemptLog;
  readonly #host: CallHost;
  readonly #observer: AttemptObserver;
  readonly #options: InviteOptions;
  #phase: 'new' | 'dialling' | 'dialling on' | 'briefing' | 'taken' | 'over' = 'new';
  #leg: Leg | null = null;
  /** The person sent the call on: its turn stands still. Called where the attempt is over before that is known. */
  #sentOn: (() => void) | null = null;

  constructor(host: CallHost, target: Target, observer: AttemptObserver, options: InviteOptions) {
    this.#host = host;
    this.target = target;
    this.#observer = observer;
    this.#options = options;
    this.log = new AttemptLog(host.context.deps.clock, target.destination, options.method);
  }

  get phase(): string {
    return this.#phase;
  }
  get leg(): Leg | null {
    return this.#leg;
  }

  start(): void {
    const { context } = this.#host;
    const { target } = this;
    const { trunk } = target;
    this.#phase = 'dialling';
    const uri = this.#options.uri ?? target.uri;
    const profile = mediaProfile(
      // Between two calls of this node nothing leaves it.
      {
        ...trunk,
        codecs: target.codecs,
        ...(target.join ? { srtp: 'off', mediaRelease: false } : {}),
      },
      context.project,
      uri,
    );
    const leg = this.#host.newLeg(this.#options.party ?? 'agent', uri, profile, this);
    this.#leg = leg;
    this.#occupy(leg);
    context.timers.start(this.#timer('ring'), this.#answerMs, () => this.#noAnswer());
    leg.dial({
      uri,
      proxies: target.proxies,
      from: this.#options.from,
      headers: this.#options.headers,
      auth: target.auth,
      ...(target.join ? { join: target.join } : {}),
    });
  }

  get #answerMs(): number {
    return Math.min(this.target.ringTimeoutMs, this.#options.answerMs ?? Infinity);
  }

  abort(endedBy: EndedBy, headers: SipHeaders): void {
    if (this.#phase === 'over') return;
    // A person who was reached is told; one whose phone rings gets its CANCEL at once.
    const reached = this.#phase === 'briefing' && endedBy === 'caller';
    this.#finish(endedBy);
    if (reached && this.#leg && this.#options.notices) this.#options.notices.give(this.#leg, headers);
    else this.#leg?.release({ headers });
  }

  callerLeft(): boolean {
    return false;
  }

  /** The bot says that its brief is over: the person may have the caller, or has still to press the digit. */
  briefDone(): boolean {
    if (this.#phase !== 'briefing') return false;
    if (this.#options.acceptDigit === null) this.#take();
    return true;
  }

  /** The bot that was briefing the person is gone. */
  brieferGone(): void {
    if (this.#phase !== 'briefing' || this.#options.brief !== 'bot') return;
    if (this.#options.acceptDigit === null) this.#take();
    else if (this.#leg) this.#host.bridge.play(this.#leg, { kind: 'silence' });
  }

  legProgress(leg: Leg, status: number, earlyMedia: boolean): void {
    if (this.#phase !== 'dialling') return;
    if (status >= 180) this.log.ringing();
    this.#observer.attemptRinging(
      this,
      status,
      status === 183 ? 'Session Progress' : 'Ringing',
      earlyMedia ? leg : null,
    );
  }

  /**
   * Another phone took this one's place (RFC 3891): it picked the call up while it rang, or goes on with the
   * consultation. Whoever is new hears the brief from its start.
   */
  legReplaced(leg: Leg, by: Leg): boolean {
    if (this.#leg !== leg || !['dialling', 'dialling on', 'briefing'].includes(this.#phase)) return false;
    const ringing = this.#phase === 'dialling';
    this.#stopTimers();
    // Another phone is another person: what the first one sent on is not its to wait for.
    this.#sentOn?.();
    this.#sentOn = null;
    this.#leg = by;
    by.adopt(this);
    if (ringing) this.#answered(by, 'Picked up');
    else this.#brief(by);
    return true;
  }

  /** The person, or who speaks for it, says that the call is taken; false where nobody is being asked. */
  takeNow(leg: Leg): boolean {
    if (this.#leg !== leg || this.#phase !== 'briefing' || this.#sentOn !== null) return false;
    this.#take();
    return true;
  }

  legAnswered(leg: Leg): void {
    if (this.#phase === 'dialling') this.#answered(leg, 'OK');
  }

  #answered(leg: Leg, reason: 'OK' | 'Picked up'): void {
    this.#host.context.timers.stop(this.#timer('ring'));
    this.log.sawStatus(200, reason);
    this.log.answered();
    if (reason !== 'OK') this.#observer.attemptProgress(this, 'picked_up', leg.legId);
    const { join } = this.target;
    if (join) this.#host.context.event('call_joined', { call: join.callId, leg: leg.legId });
    this.#observer.attemptProgress(this, 'answered', null);
    const { thenDial } = this.target;
    // A number with an extension is not reached before its digits were dialled; a consultation that is replaced is.
    if (thenDial !== null && this.#options.method === 'invite') this.#dialOn(leg, digitSteps(thenDial));
    else this.#brief(leg);
  }

  legFailed(_leg: Leg, failure: LegFailure): void {
    if (failure.cause === 'media') {
      this.log.sawStatus(failure.status, failure.reason);
      this.#fail({ outcome: 'media_failed', detail: failure.reason, rang: this.log.rang }, 'relevo');
      return;
    }
    const { status, reason } = failure;
    this.log.sawStatus(status, reason);
    const outcome = outcomeOfStatus(status);
    const detail = `${this.target.destination} answered ${status} ${reason}`;
    const moved = status >= 300 && status < 400 ? headerValues(failure.headers, 'contact') : [];
    this.#fail({ outcome, detail, rang: this.log.rang, moved }, 'agent');
  }

  legEnded(_leg: Leg, end: LegEnd): void {
    const detail = `${this.target.destination} hung up before taking the call (${end.detail})`;
    this.#fail({ outcome: end.how === 'bye' ? 'declined' : 'failed', detail, rang: true }, 'agent');
  }

  legRequest(leg: Leg, request: InDialogRequest): void {
    if (request.method === 'NOTIFY') this.#host.notify(leg, request);
    else if (request.method !== 'REFER') leg.respond(request.requestId, 415);
    else if (this.#sentOn !== null) leg.respond(request.requestId, 491);
    else if (this.#phase === 'briefing' && this.#options.method === 'invite' && this.#observer.attemptSentOn)
      this.#observer.attemptSentOn(this, leg, request);
    else leg.respond(request.requestId, 603);
  }

  /** The person's turn stands still while somebody else is dialled; `over` where it ends meanwhile. */
  sendOn(over: () => void): void {
    this.#sentOn = over;
    this.#stopTimers();
  }

  /** Nobody else was reached: it is the person's turn again. */
  takeBack(): void {
    if (this.#sentOn === null) return;
    this.#sentOn = null;
    if (this.#phase !== 'briefing') return;
    if (this.#options.acceptDigit === null) this.#take();
    else this.#openGate();
  }

  legDigit(_leg: Leg, digit: string): void {
    if (this.#phase === 'briefing' && digit === this.#options.acceptDigit) this.#take();
  }

  legDirection(leg: Leg, _direction: MediaDirection, done: () => void): void {
    this.#host.bridge.directionChanged(leg, done);
  }

  legSilent(): void {
    // A person who listens to a brief may be silent.
  }

  legPlayed(_leg: Leg, promptId: string): void {
    if (this.#phase !== 'briefing' || promptId !== BRIEF || this.#sentOn !== null) return;
    if (this.#options.acceptDigit === null) this.#take();
    else this.#openGate();
  }

  #dialOn(leg: Leg, steps: readonly DigitStep[]): void {
    this.#phase = 'dialling on';
    this.#host.bridge.play(leg, { kind: 'silence' });
    const [first, ...rest] = steps;
    if (!first) {
      this.#brief(leg);
      return;
    }
    if (first.kind === 'digits') {
      leg.media.sendDtmf(first.digits);
      this.#observer.attemptProgress(this, 'dialled', first.digits);
    }
    this.#host.context.timers.start(this.#timer('dial'), first.takesMs, () => this.#dialOn(leg, rest));
  }

  #brief(leg: Leg): void {
    this.#phase = 'briefing';
    const { bridge, context } = this.#host;
    const { briefFile } = context.project.transfer;
    const { brief, acceptDigit } = this.#options;
    const briefer = brief === 'bot' ? this.#options.briefer() : null;
    if (briefer) {
      if (this.#host.roles.caller) bridge.play(this.#host.roles.caller, this.#host.music());
      bridge.connect(briefer, leg);
      this.#observer.attemptProgress(this, 'briefing', 'bot');
      this.#openGate();
    } else if (brief === 'audio' && briefFile !== null) {
      bridge.play(leg, { kind: 'file', file: briefFile, promptId: BRIEF });
      this.#observer.attemptProgress(this, 'briefing', briefFile);
      // The person may press the digit while the prompt plays; a prompt that never ends must not hold the caller.
      context.timers.start(this.#timer('brief'), 60_000, () => this.legPlayed(leg, BRIEF));
    } else if (acceptDigit !== null) {
      this.#openGate();
    } else {
      this.#take();
    }
  }

  #openGate(): void {
    const { context } = this.#host;
    context.timers.stop(this.#timer('brief'));
    context.timers.start(this.#timer('accept'), context.project.transfer.timers.acceptMs, () =>
      this.#gateClosed(),
    );
  }

  #gateClosed(): void {
    if (this.#options.acceptDigit === null) {
      this.#take();
      return;
    }
    const detail = `${this.target.destination} did not press ${this.#options.acceptDigit} in time`;
    const leg = this.#leg;
    this.#fail({ outcome: 'no_answer', detail, rang: true }, 'relevo');
    leg?.release({ headers: reasonHeader(480, 'The call was not taken') });
  }

  #take(): void {
    const leg = this.#leg;
    if (!leg || this.#phase !== 'briefing' || this.#sentOn !== null) return;
    this.#stopTimers();
    this.#phase = 'taken';
    this.#observer.attemptConnected(this, leg);
  }

  #noAnswer(): void {
    const detail = `${this.target.destination} did not answer within ${this.#answerMs} ms`;
    const leg = this.#leg;
    const { rang } = this.log;
    // The CANCEL goes out before anything else is dialled.
    this.#finish('relevo');
    leg?.release({ headers: reasonHeader(408, 'No answer') });
    this.#observer.attemptFailed(this, { outcome: 'no_answer', detail, rang });
  }

  #fail(failure: AttemptFailure, endedBy: EndedBy): void {
    if (this.#phase === 'over') return;
    const wasTaken = this.#phase === 'taken';
    this.#finish(endedBy);
    if (!wasTaken) this.#observer.attemptFailed(this, failure);
    else this.#observer.attemptFailed(this, { ...failure, outcome: 'declined' });
  }

  #finish(endedBy: EndedBy): void {
    this.#stopTimers();
    this.#phase = 'over';
    this.log.ended(endedBy);
    this.#sentOn?.();
    this.#sentOn = null;
  }

  #stopTimers(): void {
    for (const name of ['ring', 'dial', 'brief', 'accept']) this.#host.context.timers.stop(this.#timer(name));
  }

  #timer(name: string): string {
    return `${name}.${this.#leg?.legId ?? 'none'}`;
  }

  /** Counts the destination and its groups as busy until nothing of this leg is left. */
  #occupy(leg: Leg): void {
    const { destinations } = this.#host.context.deps;
    const names = [this.target.destination, ...this.target.via];
    for (const name of names) destinations.began(name);
    this.#host.whenGone(leg, () => {
      for (const name of names) destinations.ended(name);
    });
  }
}
