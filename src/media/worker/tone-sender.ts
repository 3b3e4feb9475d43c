import type { G711Name } from '../../call/project.js';
import { LINEAR_TO_ALAW, LINEAR_TO_ULAW } from '../../rtp/g711.js';
import { tonesOf } from '../../rtp/dtmf-tones.js';

const FRAME_SAMPLES = 160;
const SAMPLE_RATE = 8000;
/** 100 ms of tone and 100 ms of pause: what every receiver takes (ITU-T Q.24 asks for 40 and 40). */
const TONE_FRAMES = 5;
const PAUSE_FRAMES = 5;
/** About -7 dBm0 each, the low group 2 dB lower. */
const LOW_PEAK = 6500;
const HIGH_PEAK = 8200;

/** Turns digits into tones in the audio, frame by frame. */
export class ToneSender {
  readonly #queue: (readonly [number, number])[] = [];
  #frame = 0;

  get busy(): boolean {
    return this.#queue.length > 0;
  }

  /** Queues digits; characters that are none are left out. */
  enqueue(digits: string): void {
    for (const digit of digits) {
      const tones = tonesOf(digit);
      if (tones) this.#queue.push(tones);
    }
  }

  clear(): void {
    this.#queue.length = 0;
    this.#frame = 0;
  }

  /** Writes the next 160 codes at `offset`: tone, then pause. */
  next(target: Buffer, offset: number, codec: G711Name): void {
    const table = codec === 'PCMU' ? LINEAR_TO_ULAW : LINEAR_TO_ALAW;
    const tones = this.#frame < TONE_FRAMES ? this.#queue[0] : undefined;
    for (let at = 0; at < FRAME_SAMPLES; at++) {
      const angle = (2 * Math.PI * (this.#frame * FRAME_SAMPLES + at)) / SAMPLE_RATE;
      const sample = tones
        ? LOW_PEAK * Math.sin(angle * tones[0]) + HIGH_PEAK * Math.sin(angle * tones[1])
        : 0;
      target[offset + at] = table[Math.round(sample) & 0xffff]!;
    }
    if (++this.#frame === TONE_FRAMES + PAUSE_FRAMES) {
      this.#frame = 0;
      this.#queue.shift();
    }
  }
}
