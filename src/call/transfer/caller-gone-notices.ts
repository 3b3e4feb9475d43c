import type { CallHost } from '../call-host.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import type { MediaDirection } from '../media-port.js';
import type { SipHeaders } from '../vocabulary.js';

/** A notice that never ends must not hold the person's line, nor the end of the call. */
const NOTICE_WITHIN_MS = 10_000;
const NOTICE = 'caller-gone';

/**
 * Tells people who were consulted that the caller hung up, before their BYE: `caller_gone_notice` of the project.
 * The call ends without them; their legs outlive it for as long as the notice takes.
 */
export class CallerGoneNotices implements LegOwner {
  readonly #host: CallHost;
  /** The legs that hear the notice, with the headers of their BYE. */
  readonly #telling = new Map<Leg, SipHeaders>();

  constructor(host: CallHost) {
    this.#host = host;
  }

  /** Ends the leg: after the notice where it can be heard, else at once. */
  give(leg: Leg, headers: SipHeaders): void {
    const { bridge, context } = this.#host;
    const file = context.project.transfer.callerGoneNotice;
    if (file === null || !leg.up || leg.holding) {
      leg.release({ headers });
      return;
    }
    this.#telling.set(leg, headers);
    leg.adopt(this);
    this.#host.whenGone(leg, () => this.#forget(leg));
    context.timers.start(this.#timer(leg), NOTICE_WITHIN_MS, () => this.#over(leg));
    bridge.play(leg, { kind: 'file', file, promptId: NOTICE });
  }

  /** Does this leg hear its notice? */
  has(leg: Leg): boolean {
    return this.#telling.has(leg);
  }

  legProgress(): void {
    // The leg is answered.
  }
  legAnswered(): void {
    // The leg is answered.
  }
  legFailed(leg: Leg): void {
    this.#forget(leg);
  }
  legEnded(leg: Leg): void {
    this.#forget(leg);
  }
  legRequest(leg: Leg, request: InDialogRequest): void {
    if (request.method === 'NOTIFY') this.#host.notify(leg, request);
    else leg.respond(request.requestId, request.method === 'REFER' ? 603 : 480);
  }
  legDigit(): void {
    // There is nobody to take any more.
  }
  legDirection(leg: Leg, _direction: MediaDirection, done: () => void): void {
    done();
    if (leg.holding) this.#over(leg);
  }
  legSilent(): void {
    // Not watched.
  }
  legPlayed(leg: Leg, promptId: string): void {
    if (promptId === NOTICE) this.#over(leg);
  }

  #over(leg: Leg): void {
    const headers = this.#telling.get(leg);
    if (!headers) return;
    this.#forget(leg);
    leg.release({ headers });
  }

  #forget(leg: Leg): void {
    this.#telling.delete(leg);
    this.#host.context.timers.stop(this.#timer(leg));
  }

  #timer(leg: Leg): string {
    return `notice.${leg.legId}`;
  }
}
