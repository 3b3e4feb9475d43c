import type { Clock } from '../../common/clock.js';

const FRESH_MS = 500;

/**
 * How many calls there are, by source. They are counted anew twice a second, when somebody asks, and those that were let
 * in since are added: nothing can be forgotten to be taken off. Calls that ended within that time still count.
 */
export class CallCensus {
  readonly #clock: Clock;
  readonly #sources: () => Iterable<string>;
  #bySource = new Map<string, number>();
  #total = 0;
  #takenMs = Number.NEGATIVE_INFINITY;

  /** `sources`: one source for each call of a peer that is in progress or being answered. */
  constructor(clock: Clock, sources: () => Iterable<string>) {
    this.#clock = clock;
    this.#sources = sources;
  }

  /** Whether another call of the source stays within the bounds; it is counted then. */
  admit(source: string, mostOfSource: number, mostOfAll: number): boolean {
    if (this.#clock.now() - this.#takenMs >= FRESH_MS) this.#count();
    const ofSource = this.#bySource.get(source) ?? 0;
    if (ofSource >= mostOfSource || this.#total >= mostOfAll) return false;
    this.#add(source);
    return true;
  }

  #count(): void {
    this.#takenMs = this.#clock.now();
    this.#bySource = new Map();
    this.#total = 0;
    for (const source of this.#sources()) this.#add(source);
  }

  #add(source: string): void {
    this.#total++;
    this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1);
  }
}
