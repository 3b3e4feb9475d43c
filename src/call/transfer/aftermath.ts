import type { CallHost } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { Leg } from '../leg/leg.js';
import type { TransferSettings } from '../project.js';
import type { TransferOutcome } from '../vocabulary.js';
import type { AttemptFailure } from './attempt.js';
import { FailureSteps } from './failure-steps.js';

/** A prompt to the caller that never ends must not hold the call. */
const ANNOUNCE_WITHIN_MS = 60_000;
const ANNOUNCE = 'announce';

type Ending = Pick<AttemptFailure, 'outcome' | 'detail'>;

/** What the steps after a failure need of their transfer. */
export interface AftermathPort {
  /** Who talked to the caller when the transfer began; null where it is gone. */
  incumbent(): Leg | null;
  last(): AttemptFailure;
  /** The transfer was asked for because the bot broke down: there is none to go back to. */
  readonly botDied: boolean;
  tryNext(): void;
  announcing(): void;
  isAnnouncing(): boolean;
  conclude(outcome: TransferOutcome, detail: string): void;
}

/** What follows a failed attempt: `on_failure` of the project, step by step. */
export class Aftermath {
  readonly #host: CallHost;
  readonly #port: AftermathPort;
  readonly #steps: FailureSteps;
  readonly #announceFile: string | null;

  constructor(host: CallHost, settings: TransferSettings, port: AftermathPort) {
    this.#host = host;
    this.#port = port;
    this.#steps = new FailureSteps(settings.onFailure);
    this.#announceFile = settings.announceFile;
  }

  /** Takes the next step. */
  go(moreDestinations: boolean): void {
    const { bridge, context, roles } = this.#host;
    switch (this.#steps.next(moreDestinations)) {
      case 'next':
        this.#port.tryNext();
        return;
      case 'announce': {
        const file = this.#announceFile;
        if (file === null || !roles.caller?.up) {
          this.go(moreDestinations);
          return;
        }
        this.#port.announcing();
        bridge.play(roles.caller, { kind: 'file', file, promptId: ANNOUNCE });
        const over = (): void => this.#announced(moreDestinations);
        context.timers.start('transfer.announce', ANNOUNCE_WITHIN_MS, over);
        return;
      }
      case 'resume-bot':
        this.resume(this.#port.last());
        return;
      case 'hangup':
        this.hangUp(this.#port.last());
    }
  }

  played(promptId: string, moreDestinations: boolean): void {
    if (promptId === ANNOUNCE) this.#announced(moreDestinations);
  }

  /** The caller goes back to whoever it talked to, or to a new session of the bot. */
  resume({ outcome, detail }: Ending): void {
    const { roles, bridge } = this.#host;
    const { caller } = roles;
    const incumbent = this.#port.incumbent();
    if (!caller || (!incumbent && (caller.pending || this.#port.botDied))) {
      this.hangUp({ outcome, detail });
      return;
    }
    if (incumbent?.up && incumbent === roles.agent) {
      bridge.connect(caller, incumbent);
      this.#host.setState('with_agent');
    } else {
      this.#host.resumeBot();
    }
    this.#port.conclude(outcome, detail);
  }

  /** The transfer failed and the call with it. */
  hangUp({ outcome, detail }: Ending): void {
    this.#port.conclude(outcome, detail);
    const { status } = this.#host.context.project.botFailure;
    const headers = reasonHeader(status, 'Nobody could be reached');
    this.#host.end({ endedBy: 'relevo', cause: `transfer_failed: ${outcome}`, status, headers });
  }

  #announced(moreDestinations: boolean): void {
    this.#host.context.timers.stop('transfer.announce');
    if (this.#port.isAnnouncing()) this.go(moreDestinations);
  }
}
