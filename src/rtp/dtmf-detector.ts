import { HIGH_GROUP, keyAt, LOW_GROUP } from './dtmf-tones.js';

const SAMPLE_RATE = 8000;
/** 12.75 ms: a bandwidth that takes 1.5 % of frequency error and no neighbour. */
const BLOCK = 102;
const BLOCK_MS = (BLOCK * 1000) / SAMPLE_RATE;
/** Blocks of the same key before it counts: with the block in which it began, 40 ms suffice and 18 do not. */
const MIN_HITS = 2;
/** Blocks without it that end a key: a pause of 40 ms has three, a break of 10 ms two at most. */
const MAX_MISSES = 3;
/** Least peak amplitude of each tone: about -40 dBm0. */
const MIN_AMPLITUDE = 220;
/** ITU-T Q.24: how much stronger the high tone may be (4 dB), and the low one (8 dB), as power. */
const MAX_HIGH_OVER_LOW = 2.51;
const MAX_LOW_OVER_HIGH = 6.31;
/** A tone is so much stronger than the others of its group (8 dB, as power). */
const MIN_OVER_OTHERS = 6.31;
/** The least part of all energy that the two tones hold: speech has more around them (talk-off). */
const MIN_SHARE = 0.78;

const COEFFICIENTS = [...LOW_GROUP, ...HIGH_GROUP].map(
  (hz) => 2 * Math.cos((2 * Math.PI * hz) / SAMPLE_RATE),
);

/**
 * Finds DTMF keys in linear samples at 8 kHz by Goertzel's algorithm: both groups, twist, level, duration, and a
 * guard against speech. Each press is reported once, when it ends.
 */
export class DtmfDetector {
  readonly #onKey: (key: string, durationMs: number) => void;
  readonly #last = new Float64Array(8);
  readonly #before = new Float64Array(8);
  #energy = 0;
  #filled = 0;
  #key: string | null = null;
  #hits = 0;
  #misses = 0;

  constructor(onKey: (key: string, durationMs: number) => void) {
    this.#onKey = onKey;
  }

  /** A key is being pressed for sure. */
  get sounding(): boolean {
    return this.#key !== null && this.#hits >= MIN_HITS;
  }

  /** Takes G.711 codes `[start, end)`, decoded by `table`. */
  push(codes: Buffer, start: number, end: number, table: Int16Array): void {
    for (let at = start; at < end; at++) this.#sample(table[codes[at]!]!);
  }

  /** Nothing comes any more: a key that was pressed has ended. */
  idle(): void {
    this.#clearBlock();
    this.#end();
  }

  #sample(sample: number): void {
    this.#energy += sample * sample;
    for (let tone = 0; tone < 8; tone++) {
      const next = sample + COEFFICIENTS[tone]! * this.#last[tone]! - this.#before[tone]!;
      this.#before[tone] = this.#last[tone]!;
      this.#last[tone] = next;
    }
    if (++this.#filled === BLOCK) {
      const key = this.#judge();
      this.#clearBlock();
      this.#count(key);
    }
  }

  #clearBlock(): void {
    this.#last.fill(0);
    this.#before.fill(0);
    this.#energy = 0;
    this.#filled = 0;
  }

  #power(tone: number): number {
    const last = this.#last[tone]!;
    const before = this.#before[tone]!;
    return last * last + before * before - COEFFICIENTS[tone]! * last * before;
  }

  #judge(): string | null {
    const floor = (MIN_AMPLITUDE * BLOCK * 0.5) ** 2;
    if (this.#energy * BLOCK * 0.5 < floor) return null;
    const power = Array.from({ length: 8 }, (_, tone) => this.#power(tone));
    const [row, low] = strongest(power, 0);
    const [column, high] = strongest(power, 4);
    if (low < floor || high < floor) return null;
    if (high > low * MAX_HIGH_OVER_LOW || low > high * MAX_LOW_OVER_HIGH) return null;
    for (let tone = 0; tone < 4; tone++) {
      if (tone !== row && power[tone]! * MIN_OVER_OTHERS > low) return null;
      if (tone !== column && power[tone + 4]! * MIN_OVER_OTHERS > high) return null;
    }
    // A pure tone of energy E in N samples has a Goertzel power of E N / 2.
    if (low + high < MIN_SHARE * this.#energy * BLOCK * 0.5) return null;
    return keyAt(row, column);
  }

  #count(key: string | null): void {
    if (key !== null && key === this.#key) {
      this.#hits += 1 + this.#misses;
      this.#misses = 0;
      return;
    }
    if (this.#key !== null) {
      this.#misses++;
      // Another key, or a break that lasts: the press is over. One of a single block was none.
      if (key === null && this.#misses < MAX_MISSES && this.#hits >= MIN_HITS) return;
      this.#end();
    }
    if (key !== null) {
      this.#key = key;
      this.#hits = 1;
    }
  }

  #end(): void {
    const key = this.#key;
    const hits = this.#hits;
    this.#key = null;
    this.#hits = 0;
    this.#misses = 0;
    if (key !== null && hits >= MIN_HITS) this.#onKey(key, Math.round(hits * BLOCK_MS));
  }
}

function strongest(power: readonly number[], from: number): [index: number, power: number] {
  let best = from;
  for (let tone = from + 1; tone < from + 4; tone++) if (power[tone]! > power[best]!) best = tone;
  return [best - from, power[best]!];
}
