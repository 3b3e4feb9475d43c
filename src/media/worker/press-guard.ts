/** How a press was told: by a telephone-event, by INFO, or as tones. */
export type ToldBy = 'event' | 'info' | 'tones';

/** So much later another way may still tell of the same press. */
const SAME_PRESS_MS = 1500;

interface Press {
  readonly digit: string;
  atMs: number;
  readonly told: Set<ToldBy>;
}

/**
 * Passes each press of a party on once where the party tells of it in several ways. What comes first goes to the other
 * side: a telephone-event as soon as it begins, so that a report of the call (which knows it when it has ended) is too late.
 */
export class PressGuard {
  #recent: Press[] = [];

  /** Is this the first that is heard of the press? */
  isFirst(digit: string, by: ToldBy, nowMs: number): boolean {
    this.#recent = this.#recent.filter((press) => nowMs - press.atMs < SAME_PRESS_MS);
    const known = this.#recent.find((press) => press.digit === digit && !press.told.has(by));
    if (known) {
      known.told.add(by);
      return false;
    }
    this.#recent.push({ digit, atMs: nowMs, told: new Set([by]) });
    return true;
  }

  /** The key is still down. */
  goesOn(digit: string, nowMs: number): void {
    const press = this.#recent.findLast((one) => one.digit === digit && one.told.has('event'));
    if (press) press.atMs = nowMs;
  }
}
