import type { Clock } from '../../common/clock.js';

const ENTRIES = 10_000;

/** Sources that are not heard for a while. Bounded: the oldest ban goes first. */
export class BanList {
  readonly #clock: Clock;
  readonly #banMs: number;
  readonly #until = new Map<string, number>();

  /** A `banMs` of 0 bans nobody. */
  constructor(clock: Clock, banMs: number) {
    this.#clock = clock;
    this.#banMs = banMs;
  }

  /** Bans that have not run out. */
  get size(): number {
    const now = this.#clock.now();
    for (const [key, untilMs] of this.#until) if (untilMs <= now) this.#until.delete(key);
    return this.#until.size;
  }

  get enabled(): boolean {
    return this.#banMs > 0;
  }

  /** `source` is what `sourceKey` makes of an address. */
  ban(source: string): void {
    if (this.#banMs === 0) return;
    this.#until.delete(source);
    this.#until.set(source, this.#clock.now() + this.#banMs);
    if (this.#until.size <= ENTRIES) return;
    const [oldest] = this.#until.keys();
    if (oldest !== undefined) this.#until.delete(oldest);
  }

  /** Whether it is banned. What comes meanwhile does not make the ban longer. */
  has(source: () => string): boolean {
    if (this.#until.size === 0) return false;
    const key = source();
    const untilMs = this.#until.get(key);
    if (untilMs === undefined) return false;
    if (untilMs > this.#clock.now()) return true;
    this.#until.delete(key);
    return false;
  }
}
