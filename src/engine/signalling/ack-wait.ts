import type { Clock, Timer } from '../../common/clock.js';

/** Repeats a 2xx to INVITE until its ACK comes (RFC 3261 13.3.1.4), on every transport; gives up after 64*T1. */
export class AckWait {
  readonly cseq: number;
  readonly #clock: Clock;
  readonly #t2Ms: number;
  readonly #endMs: number;
  readonly #resend: () => void;
  readonly #giveUp: () => void;
  #intervalMs: number;
  #timer: Timer;

  constructor(parts: {
    clock: Clock;
    t1Ms: number;
    t2Ms: number;
    cseq: number;
    resend: () => void;
    giveUp: () => void;
  }) {
    this.cseq = parts.cseq;
    this.#clock = parts.clock;
    this.#t2Ms = parts.t2Ms;
    this.#endMs = parts.clock.now() + 64 * parts.t1Ms;
    this.#resend = parts.resend;
    this.#giveUp = parts.giveUp;
    this.#intervalMs = parts.t1Ms;
    this.#timer = this.#arm();
  }

  /** The ACK came, or the call is over. Idempotent. */
  stop(): void {
    this.#timer.cancel();
  }

  #arm(): Timer {
    const leftMs = this.#endMs - this.#clock.now();
    return this.#clock.after(Math.max(0, Math.min(this.#intervalMs, leftMs)), () => {
      if (this.#clock.now() >= this.#endMs) {
        this.#giveUp();
        return;
      }
      this.#resend();
      this.#intervalMs = Math.min(this.#intervalMs * 2, this.#t2Ms);
      this.#timer = this.#arm();
    });
  }
}
