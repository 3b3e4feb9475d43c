import { readFile, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CALLER_GONE } from '../../call/media-port.js';
import type { RingbackCountry } from '../../common/ringback-country.js';
import { RelevoError } from '../../common/errors.js';
import { callerGoneSamples } from './caller-gone.js';
import { melodySamples } from './melody.js';
import { promptOfSamples, type PromptAudio } from './prompt-audio.js';
import { Resampler } from './resample.js';
import { RINGBACK, ringbackSamples, type RingbackCadence } from './ringback.js';
import { WavDecoder } from './wav.js';

const TELEPHONE_RATE = 8000;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;
/** Output samples made in one turn of the loop: under a millisecond of work for CD-rate input. */
const SAMPLES_PER_TURN = 400;
/** Input samples that are read in one turn: likewise. */
const DECODED_PER_TURN = 8000;

/** The prompts of one worker: the built-in ones, and files, read once and kept while the cache has room. */
export class PromptLibrary {
  readonly melody: PromptAudio = promptOfSamples(melodySamples());
  /** Made at the start, so that no call waits for it. */
  readonly #ringback: ReadonlyMap<RingbackCadence, PromptAudio> = new Map(
    [...new Set(Object.values(RINGBACK))].map((cadence) => [
      cadence,
      promptOfSamples(ringbackSamples(cadence)),
    ]),
  );
  readonly #builtIn: ReadonlyMap<string, PromptAudio> = new Map([
    [CALLER_GONE, promptOfSamples(callerGoneSamples())],
  ]);
  readonly #maxBytes: number;
  /** Least recently used first. */
  readonly #cache = new Map<string, PromptAudio>();
  readonly #loading = new Map<string, Promise<PromptAudio>>();
  #bytes = 0;

  constructor(maxBytes = DEFAULT_CACHE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get cachedBytes(): number {
    return this.#bytes;
  }

  /** Ringing tone. */
  ringback(country: RingbackCountry = 'eu'): PromptAudio {
    return this.#ringback.get(RINGBACK[country])!;
  }

  /** A built-in prompt, or a file that was read already. */
  cached(file: string): PromptAudio | undefined {
    const builtIn = this.#builtIn.get(file);
    if (builtIn) return builtIn;
    const audio = this.#cache.get(file);
    if (audio) {
      this.#cache.delete(file);
      this.#cache.set(file, audio);
    }
    return audio;
  }

  /** Reads and converts a file. Rejects with RelevoError (`prompt_file_format`, `prompt_file_missing`). */
  load(file: string): Promise<PromptAudio> {
    const cached = this.cached(file);
    if (cached) return Promise.resolve(cached);
    let loading = this.#loading.get(file);
    if (!loading) {
      loading = this.#read(file).finally(() => this.#loading.delete(file));
      this.#loading.set(file, loading);
    }
    return loading;
  }

  async #read(file: string): Promise<PromptAudio> {
    let bytes: Buffer;
    try {
      const { size } = await stat(file);
      if (size > MAX_FILE_BYTES) {
        throw new RelevoError('prompt_file_format', `${file} has ${size} bytes`, 'Give a file below 64 MB.');
      }
      bytes = await readFile(file);
    } catch (cause) {
      if (cause instanceof RelevoError) throw cause;
      const remedy = 'Check the path, and that the node may read the file.';
      throw new RelevoError('prompt_file_missing', `cannot read ${file}`, remedy, { cause });
    }
    const wav = new WavDecoder(bytes);
    while (!wav.advance(DECODED_PER_TURN)) await nextTurn();
    let { samples } = wav;
    if (wav.sampleRate !== TELEPHONE_RATE) {
      const resampler = new Resampler(wav.samples, wav.sampleRate, TELEPHONE_RATE);
      while (!resampler.advance(SAMPLES_PER_TURN)) await nextTurn();
      samples = resampler.output;
    }
    if (samples.length === 0) {
      throw new RelevoError('prompt_file_format', `${file} holds no audio`, 'Give a file with audio in it.');
    }
    const audio = promptOfSamples(samples);
    this.#keep(file, audio);
    return audio;
  }

  #keep(file: string, audio: PromptAudio): void {
    const size = audio.ulaw.length * 2;
    if (size > this.#maxBytes) return;
    this.#cache.set(file, audio);
    this.#bytes += size;
    for (const [oldest, old] of this.#cache) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#cache.delete(oldest);
      this.#bytes -= old.ulaw.length * 2;
    }
  }
}
