import type { CallHost } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import type { MediaDirection } from '../media-port.js';
import type { SipHeaders } from '../vocabulary.js';

/** The leg to an agent that took the call, while the hand-over by Replaces is under way and until it is replaced. */
export class Consultation implements LegOwner {
  readonly leg: Leg;
  /** Caller and agent hear each other all the while. */
  readonly talking: boolean;
  readonly #host: CallHost;
  #replaced = false;

  constructor(host: CallHost, leg: Leg, talking: boolean) {
    this.#host = host;
    this.leg = leg;
    this.talking = talking;
    leg.adopt(this);
  }

  /** The agent has the caller by another dialog: it ends this one, or we do after `graceMs`. */
  replaced(graceMs: number): void {
    this.#replaced = true;
    if (!this.leg.up) return;
    this.#host.bridge.play(this.leg, { kind: 'silence' });
    this.#host.context.timers.start(this.#timer(), graceMs, () =>
      this.release(reasonHeader(200, 'Replaced')),
    );
    this.#host.whenGone(this.leg, () => this.#host.context.timers.stop(this.#timer()));
  }

  release(headers: SipHeaders): void {
    this.leave().release({ headers });
  }

  /** The leg, which somebody else ends. */
  leave(): Leg {
    this.#host.context.timers.stop(this.#timer());
    return this.leg;
  }

  legProgress(): void {
    // The leg is answered.
  }
  legAnswered(): void {
    // The leg is answered.
  }
  legFailed(): void {
    // What becomes of the hand-over is told by its own attempt.
  }
  legEnded(): void {
    // RFC 3891 3: the peer may end the replaced dialog before or after it answers the new one.
    const { bridge, roles } = this.#host;
    if (this.talking && !this.#replaced && roles.caller?.up) bridge.play(roles.caller, this.#host.music());
  }
  legRequest(leg: Leg, request: InDialogRequest): void {
    if (request.method === 'NOTIFY') this.#host.notify(leg, request);
    else leg.respond(request.requestId, request.method === 'REFER' ? 603 : 415);
  }
  legDigit(): void {
    // The call is taken already.
  }
  legDirection(leg: Leg, _direction: MediaDirection, done: () => void): void {
    this.#host.bridge.directionChanged(leg, done);
  }
  legSilent(): void {
    // Not watched.
  }
  legPlayed(): void {
    // The brief is over.
  }

  #timer(): string {
    return `replaced.${this.leg.legId}`;
  }
}
