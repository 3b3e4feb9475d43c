import type { Place } from '../bridge.js';
import type { CallHost } from '../call-host.js';
import type { InDialogRequest, LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import type { MediaDirection } from '../media-port.js';

/** How long the end of a leg is kept back for whoever said that it would replace it (ms). */
const HELD_MS = 5_000;

/**
 * A leg that is about to be replaced (RFC 3891). It works on for its owner, but its end is kept back: a phone that
 * hangs up as soon as its REFER is accepted must not take the call down before the other phone has come in.
 */
export class HeldLeg implements LegOwner {
  readonly leg: Leg;
  /** The leg had no answer of ours yet. */
  readonly early: boolean;
  readonly #host: CallHost;
  readonly #former: LegOwner;
  readonly #over: () => void;
  #place: Place | null;
  #end: (() => void) | null = null;

  /** `over` runs once, when the leg is held no more. */
  constructor(host: CallHost, leg: Leg, over: () => void) {
    this.#host = host;
    this.leg = leg;
    this.early = leg.state === 'offered';
    this.#over = over;
    this.#place = host.bridge.placeOf(leg);
    this.#former = leg.adopt(this);
    host.context.timers.start(this.#timer, HELD_MS, () => this.giveBack());
  }

  /** Where the leg stood in the conversation when it was last there. */
  get place(): Place | null {
    return this.#host.bridge.placeOf(this.leg) ?? this.#place;
  }
  /** Its end was kept back. */
  get ended(): boolean {
    return this.#end !== null;
  }
  /** Whoever it belongs to can have it replaced. */
  get replaceable(): boolean {
    return this.#former.legReplaced !== undefined;
  }

  /** The replacement is under way and ends by itself. */
  keep(): void {
    this.#host.context.timers.stop(this.#timer);
  }

  /** Nobody replaced it: what was kept back is told. */
  giveBack(): void {
    if (!this.#close()) return;
    this.#end?.();
  }

  /** It was replaced; the owner that it had has to know of `by`. False where that wants neither. */
  handOver(by: Leg): boolean {
    this.#close();
    return this.#former.legReplaced?.(this.leg, by) === true;
  }

  /** It was replaced, and its owner need not know. */
  drop(): void {
    this.#close();
  }

  legProgress(leg: Leg, status: number, earlyMedia: boolean): void {
    this.#former.legProgress(leg, status, earlyMedia);
  }
  legAnswered(leg: Leg): void {
    this.#former.legAnswered(leg);
  }
  legFailed(leg: Leg, failure: LegFailure): void {
    this.#end = () => this.#former.legFailed(leg, failure);
  }
  legEnded(leg: Leg, end: LegEnd): void {
    this.#end = () => this.#former.legEnded(leg, end);
  }
  legRequest(leg: Leg, request: InDialogRequest): void {
    this.#former.legRequest(leg, request);
  }
  legDigit(leg: Leg, digit: string, via: 'rtp' | 'info'): void {
    this.#former.legDigit(leg, digit, via);
  }
  legDirection(leg: Leg, direction: MediaDirection, done: () => void): void {
    this.#former.legDirection(leg, direction, done);
  }
  legSilent(leg: Leg, silentMs: number): void {
    this.#former.legSilent(leg, silentMs);
  }
  legPlayed(leg: Leg, promptId: string): void {
    this.#former.legPlayed(leg, promptId);
  }

  #closed = false;
  /** False where it was closed before. The leg may have gone to another owner meanwhile: it stays there. */
  #close(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#host.context.timers.stop(this.#timer);
    const owner = this.leg.adopt(this.#former);
    if (owner !== this) this.leg.adopt(owner);
    this.#over();
    return true;
  }

  get #timer(): string {
    return `held.${this.leg.legId}`;
  }
}
