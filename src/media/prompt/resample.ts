/** Zero crossings of the sinc on each side. */
const CROSSINGS = 12;
/** Below half the output rate, so that the filter's slope lies within the band. */
const PASSBAND = 0.94;

/**
 * Converts a whole recording between sample rates with a windowed sinc (Blackman), piece by piece, so that a
 * long file does not hold up the loop it is converted in. The end runs into the beginning: what loops without a click
 * before does so afterwards.
 */
export class Resampler {
  readonly #input: Int16Array;
  readonly #step: number;
  readonly #cutoff: number;
  readonly #reach: number;
  readonly output: Int16Array;
  #done = 0;

  constructor(input: Int16Array, fromRate: number, toRate: number) {
    this.#input = input;
    const length = Math.round((input.length * toRate) / fromRate);
    this.output = new Int16Array(length);
    // The last step leads exactly to the beginning: over half a sample more or less in the whole, which nobody hears.
    this.#step = length > 0 ? input.length / length : 1;
    this.#cutoff = Math.min(1, toRate / fromRate) * PASSBAND;
    this.#reach = CROSSINGS / this.#cutoff;
  }

  /** Makes up to `count` more samples; true when all are made. */
  advance(count: number): boolean {
    const end = Math.min(this.output.length, this.#done + count);
    for (let i = this.#done; i < end; i++) this.output[i] = this.#sampleAt(i * this.#step);
    this.#done = end;
    return end === this.output.length;
  }

  #sampleAt(position: number): number {
    const input = this.#input;
    const first = Math.ceil(position - this.#reach);
    const last = Math.floor(position + this.#reach);
    let sum = 0;
    for (let i = first; i <= last; i++) {
      const distance = position - i;
      const x = Math.PI * distance * this.#cutoff;
      const sinc = x === 0 ? 1 : Math.sin(x) / x;
      const turn = (Math.PI * distance) / this.#reach;
      const window = 0.42 + 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn);
      sum += input[i < 0 || i >= input.length ? wrapped(i, input.length) : i]! * sinc * window;
    }
    return Math.max(-32_768, Math.min(32_767, Math.round(sum * this.#cutoff)));
  }
}

function wrapped(i: number, length: number): number {
  return ((i % length) + length) % length;
}
