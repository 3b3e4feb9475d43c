import { decodeG711 } from '../../rtp/g711.js';
import { RelevoError } from '../../common/errors.js';

const FORMAT_PCM = 1;
const FORMAT_ALAW = 6;
const FORMAT_ULAW = 7;
const FORMAT_EXTENSIBLE = 0xfffe;

/** Mono samples of a WAV file. */
export interface WavAudio {
  readonly sampleRate: number;
  readonly samples: Int16Array;
}

function bad(what: string): RelevoError {
  return new RelevoError(
    'prompt_file_format',
    `not a usable WAV file: ${what}`,
    'Give a WAV file with 16-bit PCM or G.711, mono or stereo, 4 to 192 kHz.',
  );
}

/** Reads a RIFF/WAVE file: 16-bit PCM, A-law or µ-law; several channels are mixed to one. Throws RelevoError. */
export function readWav(file: Buffer): WavAudio {
  if (
    file.length < 12 ||
    file.toString('latin1', 0, 4) !== 'RIFF' ||
    file.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw bad('no RIFF/WAVE head');
  }
  let format: { code: number; channels: number; sampleRate: number; bits: number } | null = null;
  let at = 12;
  while (at + 8 <= file.length) {
    const id = file.toString('latin1', at, at + 4);
    const start = at + 8;
    // A recorder that was cut off leaves a length beyond the end.
    const end = Math.min(file.length, start + file.readUInt32LE(at + 4));
    if (id === 'fmt ' && end - start >= 16) {
      const code = file.readUInt16LE(start);
      format = {
        code: code === FORMAT_EXTENSIBLE && end - start >= 26 ? file.readUInt16LE(start + 24) : code,
        channels: file.readUInt16LE(start + 2),
        sampleRate: file.readUInt32LE(start + 4),
        bits: file.readUInt16LE(start + 14),
      };
    } else if (id === 'data') {
      if (!format) throw bad('data before the format');
      return readData(file.subarray(start, end), format);
    }
    at = end + ((end - start) % 2);
  }
  throw bad('no data');
}

function readData(
  data: Buffer,
  format: { code: number; channels: number; sampleRate: number; bits: number },
): WavAudio {
  const { code, channels, sampleRate, bits } = format;
  if (channels < 1 || channels > 8) throw bad(`${channels} channels`);
  if (sampleRate < 4000 || sampleRate > 192_000) throw bad(`${sampleRate} Hz`);
  let interleaved: Int16Array;
  if (code === FORMAT_PCM && bits === 16) {
    // Samples are little-endian, as every machine that Node is released for.
    const aligned = Uint8Array.from(data.subarray(0, data.length & ~1));
    interleaved = new Int16Array(aligned.buffer);
  } else if ((code === FORMAT_ALAW || code === FORMAT_ULAW) && bits === 8) {
    interleaved = decodeG711(data, code === FORMAT_ALAW ? 'PCMA' : 'PCMU');
  } else {
    throw bad(`format ${code} with ${bits} bits`);
  }
  return { sampleRate, samples: channels === 1 ? interleaved : mixDown(interleaved, channels) };
}

function mixDown(interleaved: Int16Array, channels: number): Int16Array {
  const samples = new Int16Array(Math.floor(interleaved.length / channels));
  for (let i = 0; i < samples.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += interleaved[i * channels + channel]!;
    samples[i] = Math.round(sum / channels);
  }
  return samples;
}
