import type { CodecName } from '../../call/project.js';
import { ALAW_TO_LINEAR, LINEAR_TO_ALAW, LINEAR_TO_ULAW, ULAW_TO_LINEAR } from '../../rtp/g711.js';
import { timestampDistance } from '../../rtp/sequence.js';

export const MIX_FRAME_SAMPLES = 160;
/** Samples that a source may be ahead: 256 ms. It divides 2^32, so that a wrapped timestamp finds its place. */
const RING_SAMPLES = 2048;
/** What a source is played behind its arrival, against jitter: 40 ms. */
const DELAY_SAMPLES = 2 * MIX_FRAME_SAMPLES;
const MAX_SAMPLE = 32_767;
const MIN_SAMPLE = -32_768;

/** The small jitter buffer of one party that is mixed: samples by their RTP timestamp, read in frames of 20 ms. */
export class MixInput {
  readonly #ring = new Int16Array(RING_SAMPLES);
  /** Timestamp of the next sample to be read; null while nothing is buffered. */
  #readAt: number | null = null;
  /** Timestamp behind the last sample that was written. */
  #writtenTo = 0;
  /** Timestamp of the first sample that the source sent since it began: before it there is only the delay. */
  #beganAt = 0;

  /** Takes G.711 codes `[start, end)` of a packet. What comes too late for its turn is left out. */
  push(timestamp: number, codes: Buffer, start: number, end: number, codec: CodecName): void {
    const length = Math.min(end - start, RING_SAMPLES);
    let ahead = this.#readAt === null ? 0 : timestampDistance(timestamp, this.#readAt);
    // A source that begins, begins anew, or runs faster than we read, is played from here.
    if (this.#readAt === null || ahead + length > RING_SAMPLES || ahead < -RING_SAMPLES) {
      this.#begin(timestamp);
      ahead = DELAY_SAMPLES;
    }
    const table = codec === 'PCMU' ? ULAW_TO_LINEAR : ALAW_TO_LINEAR;
    for (let at = Math.max(0, -ahead); at < length; at++)
      this.#ring[(timestamp + at) % RING_SAMPLES] = table[codes[start + at]!]!;
    const behind = (timestamp + length) >>> 0;
    if (timestampDistance(behind, this.#writtenTo) > 0) this.#writtenTo = behind;
  }

  /** Adds the next frame to `sum`; false where there is nothing to be heard (the delay of a beginning included). */
  addTo(sum: Int32Array): boolean {
    const readAt = this.#readAt;
    if (readAt === null) return false;
    if (timestampDistance(this.#writtenTo, readAt) <= 0) {
      // It has run dry: when it speaks again its delay is built up anew.
      this.#readAt = null;
      return false;
    }
    for (let at = 0; at < MIX_FRAME_SAMPLES; at++) {
      const place = (readAt + at) % RING_SAMPLES;
      sum[at]! += this.#ring[place]!;
      this.#ring[place] = 0;
    }
    this.#readAt = (readAt + MIX_FRAME_SAMPLES) >>> 0;
    return timestampDistance(this.#readAt, this.#beganAt) > 0;
  }

  #begin(timestamp: number): void {
    this.#ring.fill(0);
    this.#readAt = (timestamp - DELAY_SAMPLES) >>> 0;
    this.#writtenTo = timestamp;
    this.#beganAt = timestamp;
  }
}

/** What one party hears of several others: their sum, limited to what 16 bits hold. */
export class Mixer {
  readonly #inputs = new Map<string, MixInput>();
  readonly #sum = new Int32Array(MIX_FRAME_SAMPLES);

  /** `former` hands over the buffers of the parties that stay in the mix. */
  constructor(legIds: readonly string[], former: Mixer | null) {
    for (const legId of legIds) {
      const kept = former === null ? undefined : former.#inputs.get(legId);
      this.#inputs.set(legId, kept ?? new MixInput());
    }
  }

  push(legId: string, timestamp: number, codes: Buffer, start: number, end: number, codec: CodecName): void {
    this.#inputs.get(legId)?.push(timestamp, codes, start, end, codec);
  }

  /** Writes the next 160 codes at `offset`; false where nobody is heard (silence is written then). */
  next(target: Buffer, offset: number, codec: CodecName): boolean {
    const sum = this.#sum;
    sum.fill(0);
    let heard = false;
    for (const input of this.#inputs.values()) if (input.addTo(sum)) heard = true;
    const table = codec === 'PCMU' ? LINEAR_TO_ULAW : LINEAR_TO_ALAW;
    for (let at = 0; at < MIX_FRAME_SAMPLES; at++) {
      const sample = sum[at]!;
      const limited = sample > MAX_SAMPLE ? MAX_SAMPLE : sample < MIN_SAMPLE ? MIN_SAMPLE : sample;
      target[offset + at] = table[limited & 0xffff]!;
    }
    return heard;
  }
}
