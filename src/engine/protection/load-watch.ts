import type { Clock, Timer } from '../../common/clock.js';

const SAMPLE_MS = 100;

/**
 * Notices that this thread cannot keep up: a timer that is late by more than the bound, twice in a row, so that one
 * pause of the garbage collector is none. A bound of 0 watches nothing.
 */
export class LoadWatch {
  readonly #clock: Clock;
  readonly #boundMs: number;
  #timer: Timer | undefined;
  #late = 0;
  #dueMs = 0;

  constructor(clock: Clock, boundMs: number) {
    this.#clock = clock;
    this.#boundMs = boundMs;
    if (boundMs > 0) this.#arm();
  }

  get overloaded(): boolean {
    return this.#late >= 2;
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#dueMs = this.#clock.now() + SAMPLE_MS;
    this.#timer = this.#clock.after(SAMPLE_MS, () => {
      this.#late = this.#clock.now() - this.#dueMs > this.#boundMs ? this.#late + 1 : 0;
      this.#arm();
    });
  }
}
