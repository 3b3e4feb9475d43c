import type { Clock, Timer } from '../common/clock.js';

const TICK_MS = 20;

/** Does work in order, at no more than `perSecond`: what comes alone at once, what comes in a flood spread over time. */
export class PacedQueue<T> {
  readonly #clock: Clock;
  readonly #batch: number;
  readonly #run: (item: T) => void;
  readonly #waiting: T[] = [];
  #timer: Timer | null = null;
  #done = 0;
  #closed = false;

  constructor(clock: Clock, perSecond: number, run: (item: T) => void) {
    this.#clock = clock;
    this.#batch = Math.max(1, Math.floor((perSecond * TICK_MS) / 1000));
    this.#run = run;
  }

  push(item: T): void {
    if (this.#closed) return;
    if (this.#done < this.#batch && this.#waiting.length === 0) this.#take(item);
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
    this.#done++;
    this.#timer ??= this.#clock.after(TICK_MS, () => {
      this.#tick();
    });
    this.#run(item);
  }

  #tick(): void {
    this.#timer = null;
    this.#done = 0;
    for (const item of this.#waiting.splice(0, this.#batch)) {
      if (!this.#closed) this.#take(item);
    }
  }
}
