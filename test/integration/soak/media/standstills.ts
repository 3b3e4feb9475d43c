/** Somebody is sent something all the time: so long without a packet for anybody, and the machine stood still. */
const STANDSTILL_MS = 400;
/** What a standstill upsets comes to light later: losses after 3 s, windows of time, queues that are worked off. */
const AFTERMATH_MS = 15_000;

/**
 * When neither node nor load ran, because the machine had other things to do. What depends on time is not held against
 * the node then; who hears whom always is.
 */
export class Standstills {
  /** How many, and how long together (ms). */
  count = 0;
  totalMs = 0;
  longestMs = 0;
  #lastMs: number | null = null;
  #endedMs = Number.NEGATIVE_INFINITY;

  /** A packet came to anybody. */
  heard(nowMs: number): void {
    const gapMs = this.#lastMs === null ? 0 : nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (gapMs < STANDSTILL_MS) return;
    this.count++;
    this.totalMs += gapMs;
    this.longestMs = Math.max(this.longestMs, gapMs);
    this.#endedMs = nowMs;
  }

  /** Has there been one lately? */
  lately(nowMs: number): boolean {
    return (
      nowMs - this.#endedMs < AFTERMATH_MS || (this.#lastMs !== null && nowMs - this.#lastMs > STANDSTILL_MS)
    );
  }
}
