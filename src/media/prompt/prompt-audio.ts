import type { G711Name } from '../../call/project.js';
import { ALAW_SILENCE, ULAW_SILENCE, encodeG711 } from '../../rtp/g711.js';

export const FRAME_SAMPLES = 160;

/** Audio at 8 kHz, encoded in both laws beforehand, so that a tick only copies. */
export interface PromptAudio {
  readonly ulaw: Buffer;
  readonly alaw: Buffer;
  /** False for silence, which does not end a gap. */
  readonly audible: boolean;
}

export function promptOfSamples(samples: Int16Array): PromptAudio {
  return { ulaw: encodeG711(samples, 'PCMU'), alaw: encodeG711(samples, 'PCMA'), audible: true };
}

/** One frame of G.711 silence. */
export const SILENCE: PromptAudio = {
  ulaw: Buffer.alloc(FRAME_SAMPLES, ULAW_SILENCE),
  alaw: Buffer.alloc(FRAME_SAMPLES, ALAW_SILENCE),
  audible: false,
};

/** Reads a prompt frame by frame for one party. */
export class PromptPlayer {
  readonly audio: PromptAudio;
  readonly loops: boolean;
  #position = 0;

  constructor(audio: PromptAudio, loops: boolean) {
    this.audio = audio;
    this.loops = loops;
  }

  /** True when a prompt that does not loop has been read to its end. */
  get ended(): boolean {
    return !this.loops && this.#position >= this.audio.ulaw.length;
  }

  /** Writes the next 160 codes at `offset`; past the end it writes silence. */
  next(target: Buffer, offset: number, codec: G711Name): void {
    const codes = codec === 'PCMU' ? this.audio.ulaw : this.audio.alaw;
    let written = 0;
    while (written < FRAME_SAMPLES) {
      if (this.#position >= codes.length) {
        if (!this.loops || codes.length === 0) break;
        this.#position = 0;
      }
      const count = Math.min(FRAME_SAMPLES - written, codes.length - this.#position);
      codes.copy(target, offset + written, this.#position, this.#position + count);
      this.#position += count;
      written += count;
    }
    if (written < FRAME_SAMPLES) {
      target.fill(codec === 'PCMU' ? ULAW_SILENCE : ALAW_SILENCE, offset + written, offset + FRAME_SAMPLES);
    }
  }

  /** Passes over a frame that may not be sent. */
  skip(): void {
    const length = this.audio.ulaw.length;
    this.#position += FRAME_SAMPLES;
    if (this.loops && length > 0) this.#position %= length;
  }
}
