import type { CallHost } from '../call-host.js';
import type { Target } from '../destinations/destination-directory.js';
import type { Leg } from '../leg/leg.js';
import type { AttemptFailure } from './attempt.js';

/** The person is there and is joined with the caller: at once, or when a caller who rang is answered. */
export class Joining {
  readonly #host: CallHost;
  #waiting: { readonly leg: Leg; readonly target: Target } | null = null;

  constructor(host: CallHost) {
    this.#host = host;
  }

  /** Somebody waits for the caller to be answered. */
  get waiting(): boolean {
    return this.#waiting !== null;
  }

  /** Joins them; true where they hear each other now. */
  join(leg: Leg, target: Target): boolean {
    this.#waiting = { leg, target };
    this.#host.joinAgent(leg, target.trunk);
    return this.#host.roles.caller?.up === true && this.take() !== null;
  }

  /** Whom the caller, answered now, is joined with; null where nobody waits. */
  take(): Target | null {
    const target = this.#waiting?.target ?? null;
    this.#waiting = null;
    return target;
  }

  /** The person left before the caller was answered; null where this is not the leg of one who waited. */
  lost(leg: Leg): AttemptFailure | null {
    if (this.#waiting?.leg !== leg) return null;
    const { destination } = this.#waiting.target;
    this.#waiting = null;
    return {
      outcome: 'declined',
      detail: `${destination} hung up before the caller was answered`,
      rang: true,
    };
  }
}
