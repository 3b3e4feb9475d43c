import type { Clock } from '../../common/clock.js';

/** How long a target that failed is left alone. */
export const REST_MS = 30_000;
const LONGEST_REST_MS = 300_000;
const ENTRIES = 10_000;

interface Target {
  readonly transport: string;
  readonly address: string;
  readonly port: number;
}

/** Remembers targets that timed out, could not be reached, or were overloaded (RFC 3263 4.3, RFC 3261 21.5.4). */
export class RestingTargets {
  readonly #clock: Clock;
  readonly #usualMs: number;
  readonly #until = new Map<string, number>();

  /** `usualMs`: how long a target rests that does not say by itself; 0 lets none rest. */
  constructor(clock: Clock, usualMs = REST_MS) {
    this.#clock = clock;
    this.#usualMs = usualMs;
  }

  /** Leaves the target alone for the usual time, or as long as it asked for (at most 5 minutes). */
  rest(target: Target, forMs = this.#usualMs): void {
    if (this.#until.size >= ENTRIES) this.#until.clear();
    this.#until.set(
      keyOf(target),
      this.#clock.now() + Math.min(forMs, Math.max(LONGEST_REST_MS, this.#usualMs)),
    );
  }

  /** It answered: it is well again. */
  wake(target: Target): void {
    if (this.#until.size > 0) this.#until.delete(keyOf(target));
  }

  /** Those that do not rest, in the same order; all of them where all rest. */
  awake<Candidate extends Target>(targets: readonly Candidate[]): readonly Candidate[] {
    if (this.#until.size === 0 || targets.length < 2) return targets;
    const now = this.#clock.now();
    const awake = targets.filter((target) => (this.#until.get(keyOf(target)) ?? 0) <= now);
    return awake.length > 0 ? awake : targets;
  }
}

function keyOf({ transport, address, port }: Target): string {
  return `${transport} ${address} ${port}`;
}
