import type { Clock } from '../common/clock.js';
import type { Random } from '../common/random.js';
import type { CallCommand, CallInput } from './call-io.js';
import type { CallState, LegView } from './call-record.js';
import type { DestinationDirectory } from './destinations/destination-directory.js';
import type { CallPlan, Project, Trunk } from './project.js';

/** What a call is given. Time is read from the clock; timers are commands. */
export interface CallDeps {
  readonly callId: string;
  readonly plan: CallPlan;
  readonly project: Project;
  readonly trunk: Trunk;
  readonly clock: Pick<Clock, 'now' | 'wallMs'>;
  readonly random: Random;
  readonly destinations: DestinationDirectory;
}

/** One call: pure, sans-IO. Each input is handled to its end and answered by commands. */
export class Call {
  readonly callId: string;
  #state: CallState = 'connecting';

  constructor(deps: CallDeps) {
    this.callId = deps.callId;
  }

  get state(): CallState {
    return this.#state;
  }

  handle(input: CallInput): readonly CallCommand[] {
    if (input.port === 'signalling' && input.event.kind === 'incoming') {
      this.#state = 'ended';
      const { legId } = input.event;
      return [
        {
          port: 'signalling',
          command: { kind: 'reject', legId, status: 503, reason: null, headers: {} },
        },
        { port: 'end' },
      ];
    }
    return [];
  }

  legs(): readonly LegView[] {
    return [];
  }

  dump(): object {
    return { callId: this.callId, state: this.#state };
  }
}
