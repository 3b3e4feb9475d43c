import type { CallHost } from '../call-host.js';
import { carriedReason } from '../context/sip-headers.js';
import type { InDialogRequest, LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import type { MediaDirection } from '../media-port.js';

/** Listens to the person once caller and person are joined. */
export class AgentSide implements LegOwner {
  readonly #host: CallHost;

  constructor(host: CallHost) {
    this.#host = host;
  }

  legProgress(): void {
    // Joined legs are answered.
  }

  legAnswered(): void {
    // Joined legs are answered.
  }

  legFailed(leg: Leg, failure: LegFailure): void {
    this.legEnded(leg, { how: 'lost', headers: {}, detail: failure.reason });
  }

  legEnded(leg: Leg, end: LegEnd): void {
    const host = this.#host;
    if (host.roles.agent !== leg) return;
    host.roles.agent = null;
    if (host.ending) return;
    if (host.transferInFlight()) {
      host.incumbentGone(leg);
    } else if (host.context.project.transfer.afterAgent === 'resume-bot') {
      host.resumeBot();
    } else {
      const cause = end.how === 'bye' ? 'bye' : end.detail;
      host.end({ endedBy: 'agent', cause, headers: carriedReason(end.headers) });
    }
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

  legSilent(): void {
    // A person may be silent: the agent's leg is not watched.
  }

  legPlayed(): void {
    // Prompts are for the time before the joining.
  }
}
