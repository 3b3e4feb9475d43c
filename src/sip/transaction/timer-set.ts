import type { Clock, Timer } from '../../common/clock.js';
import { firstDelay, nextDelay, type TimerName, type TimerValues } from './timers.js';

interface Running {
  readonly name: TimerName;
  readonly delayMs: number;
  readonly timer: Timer;
}

/** The running timers of one transaction; at most two or three at a time. */
export class TimerSet {
  readonly #clock: Clock;
  readonly #values: TimerValues;
  readonly #reliable: boolean;
  readonly #fire: (name: TimerName) => void;
  #running: Running[] = [];
  /** The interval that a pacing timer last ran with; it has fired when it is paced again. */
  #pacedMs = 0;

  constructor(clock: Clock, values: TimerValues, reliable: boolean, fire: (name: TimerName) => void) {
    this.#clock = clock;
    this.#values = values;
    this.#reliable = reliable;
    this.#fire = fire;
  }

  get size(): number {
    return this.#running.length;
  }

  has(name: TimerName): boolean {
    return this.#running.some((running) => running.name === name);
  }

  /** Starts a timer, anew if it runs. Returns false, and starts nothing, when its delay is zero. */
  start(name: TimerName): boolean {
    const delayMs = firstDelay(name, this.#reliable, this.#values);
    if (delayMs === 0) return false;
    if (delayMs !== undefined) this.#run(name, delayMs);
    return true;
  }

  /** Starts a retransmission timer again with its next interval. */
  pace(name: 'A' | 'E' | 'G'): void {
    this.#run(name, nextDelay(name, this.#pacedMs, this.#values));
  }

  /** Starts timer E again with T2. */
  slow(): void {
    this.#run('E', this.#values.T2);
  }

  stop(name: TimerName): void {
    const at = this.#running.findIndex((running) => running.name === name);
    if (at < 0) return;
    this.#running[at]!.timer.cancel();
    this.#running.splice(at, 1);
  }

  clear(): void {
    for (const running of this.#running) running.timer.cancel();
    this.#running = [];
  }

  #run(name: TimerName, delayMs: number): void {
    this.stop(name);
    if (name === 'A' || name === 'E' || name === 'G') this.#pacedMs = delayMs;
    const timer = this.#clock.after(delayMs, () => {
      const at = this.#running.findIndex((running) => running.timer === timer);
      if (at < 0) return;
      this.#running.splice(at, 1);
      this.#fire(name);
    });
    this.#running.push({ name, delayMs, timer });
  }
}
