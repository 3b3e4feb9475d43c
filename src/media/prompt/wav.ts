import { RelevoError } from '../../common/errors.js';
import { sampleReader, type SampleReader } from './wav-samples.js';

const FORMAT_EXTENSIBLE = 0xfffe;
/** What stands behind the format code in the sub-format of an extensible header. */
const SUB_FORMAT_TAIL = Buffer.from('000000001000800000aa00389b71', 'hex');
const MAX_CHANNELS = 8;

/** Mono samples of a WAV file. */
export interface WavAudio {
  readonly sampleRate: number;
  readonly samples: Int16Array;
}

interface Format {
  readonly code: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
}

function bad(what: string): RelevoError {
  return new RelevoError(
    'prompt_file_format',
    `not a usable WAV file: ${what}`,
    'Give a WAV file with PCM of 8 to 32 bits, float or G.711, up to 8 channels, 4 to 192 kHz.',
  );
}

/** Reads a RIFF/WAVE file at once; several channels are mixed to one. Throws RelevoError. */
export function readWav(file: Buffer): WavAudio {
  const decoder = new WavDecoder(file);
  while (!decoder.advance(Number.MAX_SAFE_INTEGER));
  return decoder;
}

/** Reads a RIFF/WAVE file piece by piece, so that a long one does not hold up the loop that it is read in. */
export class WavDecoder implements WavAudio {
  readonly sampleRate: number;
  readonly samples: Int16Array;
  readonly #data: Buffer;
  readonly #channels: number;
  readonly #reader: SampleReader;
  #done = 0;

  /** Throws RelevoError (`prompt_file_format`). */
  constructor(file: Buffer) {
    const { format, data } = findData(file);
    const { code, channels, sampleRate, bits } = format;
    if (channels < 1 || channels > MAX_CHANNELS) throw bad(`${channels} channels`);
    if (sampleRate < 4000 || sampleRate > 192_000) throw bad(`${sampleRate} Hz`);
    const reader = sampleReader(code, bits);
    if (!reader) throw bad(`format ${code} with ${bits} bits`);
    this.sampleRate = sampleRate;
    this.samples = new Int16Array(Math.floor(data.length / (reader.bytes * channels)));
    this.#data = data;
    this.#channels = channels;
    this.#reader = reader;
  }

  /** Makes up to `count` more samples; true when all are made. */
  advance(count: number): boolean {
    const { samples } = this;
    const { bytes, read } = this.#reader;
    const channels = this.#channels;
    const end = Math.min(samples.length, this.#done + count);
    for (let i = this.#done; i < end; i++) {
      let sum = 0;
      const at = i * channels * bytes;
      for (let channel = 0; channel < channels; channel++) sum += read(this.#data, at + channel * bytes);
      samples[i] = Math.max(-32_768, Math.min(32_767, Math.round(sum / channels)));
    }
    this.#done = end;
    return end === samples.length;
  }
}

function findData(file: Buffer): { format: Format; data: Buffer } {
  if (
    file.length < 12 ||
    file.toString('latin1', 0, 4) !== 'RIFF' ||
    file.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw bad('no RIFF/WAVE head');
  }
  let format: Format | null = null;
  let at = 12;
  while (at + 8 <= file.length) {
    const id = file.toString('latin1', at, at + 4);
    const start = at + 8;
    // A recorder that was cut off, or that wrote into a pipe, leaves a length beyond the end.
    const end = Math.min(file.length, start + file.readUInt32LE(at + 4));
    if (id === 'fmt ' && end - start >= 16) format = readFormat(file.subarray(start, end));
    else if (id === 'data') {
      if (!format) throw bad('data before the format');
      return { format, data: file.subarray(start, end) };
    }
    at = end + ((end - start) % 2);
  }
  throw bad('no data');
}

function readFormat(chunk: Buffer): Format {
  let code = chunk.readUInt16LE(0);
  if (code === FORMAT_EXTENSIBLE) {
    if (chunk.length < 40 || !chunk.subarray(26, 40).equals(SUB_FORMAT_TAIL))
      throw bad('an extensible header with a sub-format that is not known');
    code = chunk.readUInt16LE(24);
  }
  return {
    code,
    channels: chunk.readUInt16LE(2),
    sampleRate: chunk.readUInt32LE(4),
    bits: chunk.readUInt16LE(14),
  };
}
