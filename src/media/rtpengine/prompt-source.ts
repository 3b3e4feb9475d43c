import { RelevoError } from '../../common/errors.js';
import type { MediaSource } from '../../call/media-port.js';
import { tonesOf } from '../../rtp/dtmf-tones.js';
import { toneSamples } from '../../rtp/tone.js';
import { FRAME_SAMPLES, SILENCE, promptOfSamples, type PromptAudio } from '../prompt/prompt-audio.js';
import type { PromptLibrary } from '../prompt/prompt-library.js';
import type { NgDictionary } from './ng-client.js';

/** A request of the ng protocol is one UDP datagram: what is longer must be a file at rtpengine's own place. */
const MAX_BLOB_BYTES = 60_000;
const WAV_FORMAT_ALAW = 6;
const SAMPLE_RATE = 8000;
/** "For ever", as rtpengine counts repeats. */
const FOR_EVER = 100_000_000;
const SILENCE_MS = 1000;

/** What a party hears that is no other party. */
export type Prompt = Exclude<MediaSource, { kind: 'leg' | 'mix' | 'tap' }>;

/** Prompts as arguments of rtpengine's `play media`: the audio itself where it fits, else the name of the file. */
export class PromptSource {
  readonly #library: PromptLibrary;
  readonly #blobs = new Map<string, Buffer>();

  constructor(library: PromptLibrary) {
    this.#library = library;
  }

  /** Never rejects: a file that cannot be read here is left to rtpengine to find. */
  async argumentsFor(prompt: Prompt): Promise<NgDictionary> {
    const loop: NgDictionary = prompt.kind === 'file' ? {} : { 'repeat-times': FOR_EVER };
    switch (prompt.kind) {
      case 'ringback':
        return {
          ...loop,
          blob: this.#built(`ringback-${prompt.country ?? 'eu'}`, this.#library.ringback(prompt.country)),
        };
      case 'silence':
        return { ...loop, blob: this.#built('silence', silentSecond()) };
      case 'music':
        if (prompt.file === null) return { ...loop, blob: this.#built('melody', this.#library.melody) };
        return { ...loop, ...(await this.#file(prompt.file)) };
      case 'file':
        return this.#file(prompt.file);
    }
  }

  /** Keys as they sound on a telephone (ITU-T Q.23), 120 ms each. */
  tones(digits: string): NgDictionary {
    return { blob: wavOf(promptOfSamples(keySamples(digits)), MAX_BLOB_BYTES) };
  }

  #built(name: string, audio: PromptAudio): Buffer {
    let blob = this.#blobs.get(name);
    if (!blob) this.#blobs.set(name, (blob = wavOf(audio, MAX_BLOB_BYTES)));
    return blob;
  }

  async #file(file: string): Promise<NgDictionary> {
    try {
      const audio = await this.#library.load(file);
      if (audio.alaw.length < MAX_BLOB_BYTES) return { blob: wavOf(audio, MAX_BLOB_BYTES) };
    } catch (error) {
      if (!(error instanceof RelevoError)) throw error;
    }
    return { file };
  }
}

const TONE_SAMPLES = 960;
const PAUSE_SAMPLES = 640;
const TONE_AMPLITUDE = 6000;

/** The tones of these keys, with the pauses after them; what is no key is a silence. */
function keySamples(digits: string): Int16Array {
  const samples = new Int16Array(digits.length * (TONE_SAMPLES + PAUSE_SAMPLES));
  for (let place = 0; place < digits.length; place++) {
    const start = place * (TONE_SAMPLES + PAUSE_SAMPLES);
    for (const frequencyHz of tonesOf(digits.charAt(place)) ?? []) {
      toneSamples(frequencyHz, TONE_SAMPLES, TONE_AMPLITUDE).forEach((sample, at) => {
        samples[start + at]! += sample;
      });
    }
  }
  return samples;
}

/** The end of the quietest frame of 20 ms in the last second before `limit`. */
function quietPlace(alaw: Buffer, limit: number): number {
  let best = limit;
  let least = Infinity;
  for (let end = limit - (limit % FRAME_SAMPLES); end > limit - SAMPLE_RATE; end -= FRAME_SAMPLES) {
    let loudness = 0;
    // The magnitude of an A-law code: its lower seven bits, with every other one inverted.
    for (let at = end - FRAME_SAMPLES; at < end; at++) loudness += (alaw[at]! ^ 0x55) & 0x7f;
    if (loudness < least) {
      least = loudness;
      best = end;
    }
  }
  return best;
}

function silentSecond(): PromptAudio {
  const frames = SILENCE_MS / 20;
  return {
    ulaw: Buffer.concat(Array<Buffer>(frames).fill(SILENCE.ulaw)),
    alaw: Buffer.concat(Array<Buffer>(frames).fill(SILENCE.alaw)),
    audible: false,
  };
}

/** A WAV file in A-law; what is too long is cut where it is quietest, so that a loop does not click. */
function wavOf({ alaw }: PromptAudio, maxBytes: number): Buffer {
  const codes = alaw.length <= maxBytes ? alaw : alaw.subarray(0, quietPlace(alaw, maxBytes));
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + codes.length, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(WAV_FORMAT_ALAW, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(SAMPLE_RATE, 24);
  head.writeUInt32LE(SAMPLE_RATE, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(codes.length, 40);
  return Buffer.concat([head, codes]);
}
