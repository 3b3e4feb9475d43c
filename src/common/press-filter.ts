/** How a press of a key was told. */
export type PressKind = 'rfc4733' | 'info' | 'inband';

/** So much later, another kind may still tell of the same press: an INFO that was sent again. */
const SAME_PRESS_MS = 1500;

interface Press {
  readonly digit: string;
  atMs: number;
  readonly toldBy: Set<PressKind>;
}

/**
 * Counts each press once where a peer tells of it in several ways: as telephone-event, by INFO, and as tones. Two
 * reports of one kind are two presses; a report of another kind belongs to the oldest press of that key that this
 * kind has not told of yet.
 */
export class PressFilter {
  #recent: Press[] = [];

  /** Whether a report is the first of its press. */
  isNew(digit: string, kind: PressKind, nowMs: number): boolean {
    this.#recent = this.#recent.filter((press) => nowMs - press.atMs < SAME_PRESS_MS);
    const told = this.#recent.find((press) => press.digit === digit && !press.toldBy.has(kind));
    if (told) {
      told.toldBy.add(kind);
      return false;
    }
    this.#recent.push({ digit, atMs: nowMs, toldBy: new Set([kind]) });
    return true;
  }

  /** A press that telephone-events tell of goes on: the key is still down. */
  goesOn(digit: string, nowMs: number): void {
    const press = this.#recent.findLast((one) => one.digit === digit && one.toldBy.has('rfc4733'));
    if (press) press.atMs = nowMs;
  }
}
