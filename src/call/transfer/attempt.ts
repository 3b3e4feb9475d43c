import type { Clock } from '../../common/clock.js';
import type { Target } from '../destinations/destination-directory.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg } from '../leg/leg.js';
import type { AttemptMethod, EndedBy, SipHeaders, TransferAttempt, TransferOutcome } from '../vocabulary.js';

/** How an attempt failed. */
export interface AttemptFailure {
  readonly outcome: TransferOutcome;
  readonly detail: string;
  /** The target's phone rang: a second try by another method would ring it twice. */
  readonly rang: boolean;
  /** Values of Contact in a 3xx. */
  readonly moved?: readonly string[];
}

/** One try at one target. */
export interface Attempt {
  readonly kind: 'invite' | 'refer';
  readonly target: Target;
  readonly log: AttemptLog;
  start(): void;
  /** Takes everything back; the observer hears no more of it. Idempotent. */
  abort(endedBy: EndedBy, headers: SipHeaders): void;
  /** The caller's leg is gone. True where the attempt still awaits its outcome and ends by itself. */
  callerLeft(): boolean;
}

/** Who follows the attempts: the transfer. */
export interface AttemptObserver {
  attemptProgress(attempt: Attempt, progress: string, detail: string | null): void;
  attemptRinging(attempt: Attempt, status: number, reason: string, earlyMedia: Leg | null): void;
  attemptFailed(attempt: Attempt, failure: AttemptFailure): void;
  /** INVITE: the person is there and took the call. */
  attemptConnected(attempt: Attempt, leg: Leg): void;
  /** REFER: the peer handed itself over; `confirmed` where it said so. */
  attemptReferred(attempt: Attempt, confirmed: boolean): void;
  /** INVITE: the person, who has not taken the call yet, sends it on by this REFER; without it that is refused. */
  attemptSentOn?(attempt: Attempt, leg: Leg, request: InDialogRequest): void;
}

/** What is told of one attempt. */
export class AttemptLog {
  readonly #clock: Pick<Clock, 'now' | 'wallMs'>;
  readonly #destination: string;
  readonly #method: AttemptMethod;
  readonly #startedAt: number;
  #status: number | null = null;
  #reason: string | null = null;
  #ringingSince: number | null = null;
  #ringMs: number | null = null;
  #answeredAt: number | null = null;
  #endedBy: EndedBy | null = null;

  constructor(clock: Pick<Clock, 'now' | 'wallMs'>, destination: string, method: AttemptMethod) {
    this.#clock = clock;
    this.#destination = destination;
    this.#method = method;
    this.#startedAt = Math.round(clock.wallMs());
  }

  get rang(): boolean {
    return this.#ringingSince !== null;
  }
  get status(): number | null {
    return this.#status;
  }

  ringing(): void {
    this.#ringingSince ??= this.#clock.now();
  }

  sawStatus(status: number, reason: string): void {
    this.#status = status;
    this.#reason = reason === '' ? null : reason;
  }

  answered(): void {
    this.#stopRinging();
    this.#answeredAt ??= Math.round(this.#clock.wallMs());
  }

  ended(by: EndedBy | null): void {
    this.#stopRinging();
    this.#endedBy ??= by;
  }

  view(): TransferAttempt {
    return {
      destination: this.#destination,
      method: this.#method,
      sipStatus: this.#status,
      sipReason: this.#reason,
      startedAt: this.#startedAt,
      ringMs: this.#ringMs,
      answeredAt: this.#answeredAt,
      endedBy: this.#endedBy,
    };
  }

  #stopRinging(): void {
    if (this.#ringingSince === null || this.#ringMs !== null) return;
    this.#ringMs = Math.round(this.#clock.now() - this.#ringingSince);
  }
}
