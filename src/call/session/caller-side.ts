import type { CallHost } from '../call-host.js';
import type { InDialogRequest, LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import type { MediaDirection } from '../media-port.js';

/** Listens to the caller's leg. */
export class CallerSide implements LegOwner {
  readonly #host: CallHost;

  constructor(host: CallHost) {
    this.#host = host;
  }

  legProgress(): void {
    // The caller called us: there is no 18x from that side.
  }

  legAnswered(): void {
    this.#host.callerAnswered();
  }

  legFailed(_leg: Leg, failure: LegFailure): void {
    if (failure.cause === 'cancelled') this.#host.callerGone('cancelled', failure.headers);
    else
      this.#host.end({ endedBy: 'relevo', cause: `media_failed: ${failure.reason}`, status: failure.status });
  }

  legEnded(_leg: Leg, end: LegEnd): void {
    this.#host.callerGone(end.how === 'bye' ? 'bye' : end.detail, end.headers);
  }

  legRequest(leg: Leg, request: InDialogRequest): void {
    switch (request.method) {
      case 'REFER':
        this.#host.refer(leg, request);
        return;
      case 'NOTIFY':
        this.#host.notify(leg, request);
        return;
      default:
        this.#host.relay(leg, request);
    }
  }

  legDigit(leg: Leg, digit: string, via: 'rtp' | 'info'): void {
    this.#host.digit(leg, digit, via);
  }

  legDirection(leg: Leg, _direction: MediaDirection, done: () => void): void {
    this.#host.bridge.directionChanged(leg, done);
  }

  legSilent(_leg: Leg, silentMs: number): void {
    this.#host.context.event('media_timeout', { party: 'caller', silentMs });
    this.#host.end({ endedBy: 'relevo', cause: 'caller_media_timeout' });
  }

  legPlayed(_leg: Leg, promptId: string): void {
    this.#host.played(promptId);
  }
}
