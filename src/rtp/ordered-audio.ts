import { sequenceDistance } from './sequence.js';

/** A packet that has not come is waited for until so many behind it have: 80 ms of the usual packets. */
const DEPTH = 4;
/** In the place of lost ones the packet before them is given again, so often: a tone goes on over them. */
const MAX_REPEATED = 2;
/** A greater jump of the sequence is a new beginning. */
const MAX_JUMP = 100;

interface Piece {
  readonly codes: Buffer;
  /** Linear sample of each code. */
  readonly table: Int16Array;
}

/**
 * Gives the audio of a stream once and in order, for whoever has to find something in it. What is in order goes through
 * at once and is not copied; behind a hole it waits a little. No clock: time is what the sequence numbers say.
 */
export class OrderedAudio {
  readonly #out: (codes: Buffer, table: Int16Array) => void;
  /** What came before its turn, by sequence number. */
  readonly #held = new Map<number, Piece>();
  /** The number whose turn it is; null before the first packet. */
  #next: number | null = null;
  #newest = 0;
  #last: Piece | null = null;
  #repeated = 0;

  constructor(out: (codes: Buffer, table: Int16Array) => void) {
    this.#out = out;
  }

  /** Takes the codes of one packet; an empty buffer for one without audio. */
  push(sequence: number, codes: Buffer, table: Int16Array): void {
    let ahead = this.#next === null ? 0 : sequenceDistance(sequence, this.#next);
    if (this.#next === null || Math.abs(ahead) > MAX_JUMP) {
      this.flush();
      this.#next = sequence;
      this.#newest = sequence;
      ahead = 0;
    }
    if (ahead < 0 || this.#held.has(sequence)) return;
    if (sequenceDistance(sequence, this.#newest) > 0) this.#newest = sequence;
    if (ahead === 0) this.#give({ codes, table });
    else this.#held.set(sequence, { codes: Buffer.from(codes), table });
    while (this.#held.size > 0) {
      const piece = this.#held.get(this.#next);
      if (!piece && sequenceDistance(this.#newest, this.#next) < DEPTH) return;
      if (piece) this.#give(piece);
      else this.#conceal();
    }
  }

  /** Nothing comes any more: what waits is given. */
  flush(): void {
    while (this.#next !== null && this.#held.size > 0) {
      const piece = this.#held.get(this.#next);
      if (piece) this.#give(piece);
      else this.#conceal();
    }
    this.#next = null;
    this.#last = null;
  }

  #give(piece: Piece): void {
    this.#held.delete(this.#next!);
    this.#next = (this.#next! + 1) & 0xffff;
    this.#repeated = 0;
    if (piece.codes.length === 0) return;
    this.#out(piece.codes, piece.table);
    // It is changed by whoever sends it on.
    this.#last = { codes: Buffer.from(piece.codes), table: piece.table };
  }

  #conceal(): void {
    this.#next = (this.#next! + 1) & 0xffff;
    if (this.#last && this.#repeated++ < MAX_REPEATED) this.#out(this.#last.codes, this.#last.table);
  }
}
