const WINDOW_MS = 250;
const MIN_SAMPLES = 4;
/** Without a sample for this long nothing is known: where new calls are refused, few answers come. */
const STALE_MS = 500;

/**
 * How far applications are behind, from what drachtio-srf answers by itself: the ACK after a 2xx, the 200 to a BYE. One
 * slow answer proves nothing, as a program may take its time; the fastest of a window does (the idea of CoDel).
 */
export class ApplicationDelay {
  #windowMs = 0;
  #samples = 0;
  #least = Infinity;
  #delayMs = 0;
  #knownMs = -Infinity;

  /** An answer that took `tookMs`, seen at `nowMs` of a clock that only grows. */
  note(tookMs: number, nowMs: number): void {
    if (nowMs - this.#windowMs > WINDOW_MS) {
      if (this.#samples >= MIN_SAMPLES) {
        this.#delayMs = this.#least;
        this.#knownMs = nowMs;
      }
      this.#windowMs = nowMs;
      this.#samples = 0;
      this.#least = Infinity;
    }
    this.#samples++;
    this.#least = Math.min(this.#least, tookMs);
    // It has caught up as soon as one answer is quick.
    if (tookMs < this.#delayMs) this.#delayMs = tookMs;
  }

  /** Milliseconds, at least, that any application takes for an answer just now. */
  delayMs(nowMs: number): number {
    return nowMs - this.#knownMs > STALE_MS ? 0 : this.#delayMs;
  }
}
