/**
 * Measures the longest stretch in which a party was sent no sound. Fed with actual sends; times are clock
 * milliseconds. While the party may not receive (it holds us) time does not count.
 */
export class GapMeter {
  #running = false;
  #paused = false;
  /** The end of the sound sent so far. */
  #coveredUntilMs = Number.NEGATIVE_INFINITY;
  #longestMs = 0;

  get running(): boolean {
    return this.#running;
  }

  start(nowMs: number): void {
    this.#running = true;
    this.#longestMs = 0;
    this.#coveredUntilMs = Math.max(this.#coveredUntilMs, nowMs);
  }

  /** A packet of sound went out that lasts `durationMs`. */
  sound(nowMs: number, durationMs: number): void {
    if (this.#running) this.#measure(nowMs);
    this.#coveredUntilMs = nowMs + durationMs;
  }

  /** Whether the party may receive. */
  setReceiving(receiving: boolean, nowMs: number): void {
    if (this.#paused === !receiving) return;
    if (receiving) {
      this.#coveredUntilMs = Math.max(this.#coveredUntilMs, nowMs);
    } else if (this.#running) {
      this.#measure(nowMs);
    }
    this.#paused = !receiving;
  }

  /** The longest silence since `start`, in whole milliseconds; 0 when it was not started. */
  stop(nowMs: number): number {
    if (!this.#running) return 0;
    this.#measure(nowMs);
    this.#running = false;
    return Math.round(this.#longestMs);
  }

  #measure(nowMs: number): void {
    if (this.#paused) return;
    const silenceMs = nowMs - this.#coveredUntilMs;
    if (silenceMs > this.#longestMs) this.#longestMs = silenceMs;
  }
}
