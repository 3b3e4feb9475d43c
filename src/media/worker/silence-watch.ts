/** Notices that no RTP comes from a party; says so once until RTP flows again. */
export class SilenceWatch {
  #timeoutMs = 0;
  #baselineMs = 0;
  #expecting = true;
  #reported = false;

  /** Watches from now; 0 stops. */
  start(timeoutMs: number, nowMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.#baselineMs = nowMs;
    this.#reported = false;
  }

  /** Whether the party may send at all: a held one is not watched. */
  setExpecting(expecting: boolean, nowMs: number): void {
    if (expecting && !this.#expecting) {
      this.#baselineMs = nowMs;
      this.#reported = false;
    }
    this.#expecting = expecting;
  }

  /** RTP came, last at `atMs`. */
  heard(atMs: number): void {
    this.#baselineMs = Math.max(this.#baselineMs, atMs);
    this.#reported = false;
  }

  /** The length of the silence when it is to be reported now, else 0. */
  check(nowMs: number): number {
    if (this.#timeoutMs <= 0 || !this.#expecting || this.#reported) return 0;
    const silentMs = nowMs - this.#baselineMs;
    if (silentMs < this.#timeoutMs) return 0;
    this.#reported = true;
    return Math.round(silentMs);
  }
}
