/** Time of a rehearsal: it begins at 0 (and at a Unix time), and moves only when it is told to. */
export class RehearsalClock {
  readonly #startedAtMs: number;
  #nowMs = 0;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#startedAtMs + this.#nowMs;
  }

  moveTo(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }
}
