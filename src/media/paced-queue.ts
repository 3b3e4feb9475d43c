import type { Clock, Timer } from '../common/clock.js';

const MIN_TICK_MS = 20;

/** Does work in order, at no more than `perSecond`: what comes alone at once, what comes in a flood spread over time. */
export class PacedQueue<T extends object | number> {
  readonly #clock: Clock;
  readonly #tickMs: number;
  /** 1 at least, and with a fraction. */
  readonly #perTick: number;
  readonly #run: (item: T) => void;
  readonly #waiting: T[] = [];
  #timer: Timer | null = null;
  /** How much may be done until the next tick. */
  #credit: number;
  #closed = false;

  constructor(clock: Clock, perSecond: number, run: (item: T) => void) {
    this.#clock = clock;
    this.#tickMs = Math.max(MIN_TICK_MS, 1000 / perSecond);
    this.#perTick = Math.max(1, (perSecond * this.#tickMs) / 1000);
    this.#credit = this.#perTick;
    this.#run = run;
  }

  push(item: T): void {
    if (this.#closed) return;
    if (this.#credit >= 1 && this.#waiting.length === 0) this.#take(item);
    else this.#waiting.push(item);
  }

  /** What waits is dropped. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #take(item: T): void {
    this.#credit--;
    this.#timer ??= this.#clock.after(this.#tickMs, () => {
      this.#tick();
    });
    this.#run(item);
  }

  #tick(): void {
    this.#timer = null;
    // What is left of one item counts in the next tick, more than that does not.
    this.#credit = (this.#credit % 1) + this.#perTick;
    while (this.#credit >= 1 && !this.#closed) {
      const item = this.#waiting.shift();
      if (item === undefined) return;
      this.#take(item);
    }
  }
}
