import type { G711Name } from '../../call/project.js';
import { ALAW_TO_LINEAR, ULAW_TO_LINEAR } from '../../rtp/g711.js';
import { timestampDistance } from '../../rtp/sequence.js';

const SAMPLES_PER_MS = 8;
/** What may come late and still finds its place: 400 ms. */
const LAG = 3200;
const CHUNK = 4000;
const WINDOW = 16_000;
/** Audio that leaves the clock by more than 200 ms has begun a new timeline. */
const MAX_DRIFT = 1600;

export type RecordedSide = 'left' | 'right';

interface Track {
  readonly samples: Int16Array;
  anchorTimestamp: number;
  anchorFrame: number;
  anchored: boolean;
}

const makeTrack = (): Track => ({
  samples: new Int16Array(WINDOW),
  anchorTimestamp: 0,
  anchorFrame: 0,
  anchored: false,
});

/**
 * Lays the audio of the two sides of a call beside each other on one timeline, by RTP timestamp, and hands it on
 * in pieces of half a second and more. What never came is silence.
 */
export class CallRecorder {
  readonly #startMs: number;
  readonly #hand: (samples: ArrayBuffer) => void;
  readonly #tracks = { left: makeTrack(), right: makeTrack() };
  /** Frames that were handed on: the first of the window. */
  #base = 0;

  constructor(startMs: number, hand: (samples: ArrayBuffer) => void) {
    this.#startMs = startMs;
    this.#hand = hand;
  }

  /** Takes the G.711 codes `[start, end)` of a packet. */
  push(
    side: RecordedSide,
    timestamp: number,
    codes: Buffer,
    start: number,
    end: number,
    law: G711Name,
    nowMs: number,
  ): void {
    const track = this.#tracks[side];
    const now = this.frameAt(nowMs);
    let frame = track.anchorFrame + timestampDistance(timestamp, track.anchorTimestamp);
    if (!track.anchored || Math.abs(frame - now) > MAX_DRIFT) {
      track.anchored = true;
      track.anchorTimestamp = timestamp;
      track.anchorFrame = now;
      frame = now;
    }
    const table = law === 'PCMU' ? ULAW_TO_LINEAR : ALAW_TO_LINEAR;
    const offset = frame - this.#base - start;
    for (let at = start; at < end; at++) {
      const place = offset + at;
      if (place >= 0 && place < WINDOW) track.samples[place] = table[codes[at]!]!;
    }
  }

  /** Hands on what is old enough; several times a second. */
  flush(nowMs: number): void {
    const ready = this.frameAt(nowMs) - LAG - this.#base;
    if (ready >= CHUNK) this.#handOn(ready);
  }

  /** Hands on all there is. */
  end(nowMs: number): void {
    const ready = this.frameAt(nowMs) - this.#base;
    if (ready > 0) this.#handOn(ready);
  }

  /** The frame that stands for `nowMs`. */
  frameAt(nowMs: number): number {
    return Math.round((nowMs - this.#startMs) * SAMPLES_PER_MS);
  }

  #handOn(frames: number): void {
    const piece = new Int16Array(frames * 2);
    const { left, right } = this.#tracks;
    const held = Math.min(frames, WINDOW);
    for (let at = 0; at < held; at++) {
      piece[at * 2] = left.samples[at]!;
      piece[at * 2 + 1] = right.samples[at]!;
    }
    for (const { samples } of [left, right]) {
      samples.copyWithin(0, held);
      samples.fill(0, WINDOW - held);
    }
    this.#base += frames;
    this.#hand(piece.buffer);
  }
}
