import type { Clock, Timer } from '../../common/clock.js';
import type { TimerValues } from './timers.js';

export interface AckWaitOptions {
  readonly clock: Clock;
  readonly timers: TimerValues;
  /** Sends the 2xx again: the same bytes to the same place. */
  readonly resend: () => void;
  /** No ACK within 64*T1: the dialog stands, and a BYE is due (RFC 3261 13.3.1.4). */
  readonly onTimeout: () => void;
}

/**
 * Repeats a 2xx to INVITE until its ACK comes: after T1, then doubling to T2, on every kind of transport
 * (RFC 3261 13.3.1.4). It starts when it is made, right after the 2xx was first sent.
 */
export class AckWait {
  readonly #options: AckWaitOptions;
  #retransmit: Timer | undefined;
  #giveUp: Timer | undefined;

  constructor(options: AckWaitOptions) {
    this.#options = options;
    const { clock, timers } = options;
    this.#giveUp = clock.after(64 * timers.T1, () => {
      this.close();
      options.onTimeout();
    });
    this.#arm(timers.T1);
  }

  /** Whether the ACK is still awaited. */
  get isWaiting(): boolean {
    return this.#giveUp !== undefined;
  }

  /** The ACK came. Returns false when it had come before, or too late. */
  acknowledge(): boolean {
    const waited = this.isWaiting;
    this.close();
    return waited;
  }

  /** Stops both timers. Idempotent. */
  close(): void {
    this.#retransmit?.cancel();
    this.#giveUp?.cancel();
    this.#retransmit = undefined;
    this.#giveUp = undefined;
  }

  #arm(delayMs: number): void {
    this.#retransmit = this.#options.clock.after(delayMs, () => {
      this.#arm(Math.min(delayMs * 2, this.#options.timers.T2));
      this.#options.resend();
    });
  }
}
