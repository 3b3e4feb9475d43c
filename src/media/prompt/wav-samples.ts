import { ALAW_TO_LINEAR, ULAW_TO_LINEAR } from '../../rtp/g711.js';

const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_ALAW = 6;
const FORMAT_ULAW = 7;

/** How one sample of a WAV file is read, on the scale of 16 bits; it may lie between two of them, or beyond. */
export interface SampleReader {
  readonly bytes: number;
  readonly read: (data: Buffer, at: number) => number;
}

/** PCM of 8 bits has no sign; that of more has, and the least byte first. */
const PCM: Readonly<Record<number, SampleReader>> = {
  8: { bytes: 1, read: (data, at) => (data[at]! - 128) * 256 },
  16: { bytes: 2, read: (data, at) => data.readInt16LE(at) },
  24: { bytes: 3, read: (data, at) => data.readIntLE(at, 3) / 2 ** 8 },
  32: { bytes: 4, read: (data, at) => data.readInt32LE(at) / 2 ** 16 },
};

const FLOAT: Readonly<Record<number, SampleReader>> = {
  32: { bytes: 4, read: (data, at) => scaled(data.readFloatLE(at)) },
  64: { bytes: 8, read: (data, at) => scaled(data.readDoubleLE(at)) },
};

/** The reader of a format code with so many bits; null for what is not known. */
export function sampleReader(code: number, bits: number): SampleReader | null {
  switch (code) {
    case FORMAT_PCM:
      return PCM[bits] ?? null;
    case FORMAT_FLOAT:
      return FLOAT[bits] ?? null;
    case FORMAT_ALAW:
      return bits === 8 ? { bytes: 1, read: (data, at) => ALAW_TO_LINEAR[data[at]!]! } : null;
    case FORMAT_ULAW:
      return bits === 8 ? { bytes: 1, read: (data, at) => ULAW_TO_LINEAR[data[at]!]! } : null;
    default:
      return null;
  }
}

/** What is no number, or lies far beyond full scale, is a fault of the file: it must not spoil the mix of channels. */
function scaled(value: number): number {
  return Number.isNaN(value) ? 0 : Math.max(-1, Math.min(1, value)) * 32_767;
}
