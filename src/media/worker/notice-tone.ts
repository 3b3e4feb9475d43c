import type { G711Name } from '../../call/project.js';
import { ALAW_TO_LINEAR, LINEAR_TO_ALAW, LINEAR_TO_ULAW, ULAW_TO_LINEAR } from '../../rtp/g711.js';

const SAMPLE_RATE = 8000;
const FREQUENCY_HZ = 1400;
/** 200 ms. */
const SAMPLES = 1600;
/** About -20 dBm0: heard beside speech, and no reason to stop. */
const PEAK = 3000;
const MAX_SAMPLE = 32_767;

/** A short tone laid over whatever a party is sent, so that it knows that somebody listens. */
export class NoticeTone {
  #at = SAMPLES;

  /** It is due, or has not come to its end. */
  get sounding(): boolean {
    return this.#at < SAMPLES;
  }

  begin(): void {
    this.#at = 0;
  }

  /** Adds the next samples to the G.711 codes `[start, end)`, in place. */
  addTo(packet: Buffer, start: number, end: number, codec: G711Name): void {
    const [linear, codes] =
      codec === 'PCMU' ? [ULAW_TO_LINEAR, LINEAR_TO_ULAW] : [ALAW_TO_LINEAR, LINEAR_TO_ALAW];
    for (let at = start; at < end && this.#at < SAMPLES; at++, this.#at++) {
      const tone = PEAK * Math.sin((2 * Math.PI * FREQUENCY_HZ * this.#at) / SAMPLE_RATE);
      const sum = Math.round(linear[packet[at]!]! + tone);
      packet[at] = codes[Math.max(-MAX_SAMPLE - 1, Math.min(MAX_SAMPLE, sum)) & 0xffff]!;
    }
  }
}
