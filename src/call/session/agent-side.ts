import { carriedReason } from '../context/sip-headers.js';
import type { LegEnd, LegFailure } from '../leg/in-dialog.js';
import type { Leg, LegOwner } from '../leg/leg.js';
import { ConversingLeg } from './conversing-leg.js';

/** Listens to the person once caller and person are joined. */
export class AgentSide extends ConversingLeg implements LegOwner {
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
    const host = this.host;
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

  legSilent(): void {
    // A person may be silent: the agent's leg is not watched.
  }

  legPlayed(): void {
    // Prompts are for the time before the joining.
  }
}
