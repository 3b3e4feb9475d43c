/** Packets of a talking party: one each 20 ms. */
const FRAME_MS = 20;
/** The parties' packets are spread over the frame, as those of real phones are. */
const SLOTS = 4;
/** A machine that stood still so long has lost these frames, as a phone would have. */
const MAX_BEHIND = 10;

export interface Talking {
  /** Time for the frame with this number (20 ms each, counted from the beginning of the run). */
  frame(number: number): void;
}

/** One timer for all who talk. */
export class Beat {
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Talking>());
  readonly #done = new Array<number>(SLOTS).fill(0);
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #next = 0;

  constructor() {
    this.#timer = setInterval(() => {
      this.#turn();
    }, FRAME_MS / SLOTS);
  }

  /** The number of the frame that is next, about. */
  get now(): number {
    return Math.floor((performance.now() - this.#startedAt) / FRAME_MS);
  }

  /** Calls `frame` each 20 ms, until the function that is returned is called. */
  add(talking: Talking): () => void {
    const slot = this.#slots[this.#next++ % SLOTS]!;
    slot.add(talking);
    return () => slot.delete(talking);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #turn(): void {
    const elapsedMs = performance.now() - this.#startedAt;
    for (let slot = 0; slot < SLOTS; slot++) {
      const due = Math.floor((elapsedMs - (slot * FRAME_MS) / SLOTS) / FRAME_MS);
      for (let number = Math.max(this.#done[slot]!, due - MAX_BEHIND); number < due; number++)
        for (const talking of this.#slots[slot]!) talking.frame(number);
      this.#done[slot] = Math.max(due, 0);
    }
  }
}
