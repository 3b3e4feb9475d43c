const WORD_BITS = 32;
const WORDS = 8;
/** How far behind the highest index a packet is still told apart: RFC 3711 3.3.2 asks for 64 at least. */
export const REPLAY_WINDOW = (WORDS - 1) * WORD_BITS;

/** Which packet indices were used: a ring of words, in which one is always cleared ahead. */
export class ReplayWindow {
  readonly #words = new Int32Array(WORDS);
  #highest = -1;

  /** -1 before the first. */
  get highest(): number {
    return this.#highest;
  }

  /** False where the index was used, or is too old to tell. */
  isNew(index: number): boolean {
    if (index > this.#highest) return true;
    if (index < 0 || this.#highest - index >= REPLAY_WINDOW) return false;
    return (this.#words[wordOf(index)]! & (1 << (index % WORD_BITS))) === 0;
  }

  /** Notes an index that is new. */
  use(index: number): void {
    if (index > this.#highest) {
      const from = this.#highest < 0 ? index : this.#highest;
      const turns = Math.min(Math.floor(index / WORD_BITS) - Math.floor(from / WORD_BITS), WORDS);
      for (let turn = 0; turn < turns; turn++) this.#words[wordOf(index - turn * WORD_BITS)] = 0;
      this.#highest = index;
    }
    this.#words[wordOf(index)]! |= 1 << (index % WORD_BITS);
  }
}

function wordOf(index: number): number {
  return (((Math.floor(index / WORD_BITS) % WORDS) + WORDS) % WORDS) | 0;
}
