import type { LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import { ConversingLeg } from './conversing-leg.js';

/** Listens to the caller's leg. */
export class CallerSide extends ConversingLeg implements LegOwner {
  legProgress(): void {
    // The caller called us: there is no 18x from that side.
  }

  legAnswered(): void {
    this.host.callerAnswered();
  }

  legFailed(_leg: Leg, failure: LegFailure): void {
    if (failure.cause === 'cancelled') this.host.callerGone('cancelled', failure.headers);
    else
      this.host.end({ endedBy: 'relevo', cause: `media_failed: ${failure.reason}`, status: failure.status });
  }

  legEnded(_leg: Leg, end: LegEnd): void {
    this.host.callerGone(end.how === 'bye' ? 'bye' : end.detail, end.headers);
  }

  legSilent(_leg: Leg, silentMs: number): void {
    this.host.context.event('media_timeout', { party: 'caller', silentMs });
    this.host.end({ endedBy: 'relevo', cause: 'caller_media_timeout' });
  }

  legPlayed(_leg: Leg, promptId: string): void {
    this.host.played(promptId);
  }
}
