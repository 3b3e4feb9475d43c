/** ITU-T G.711 by table. */

/** A G.711 code of digital silence. */
export const ULAW_SILENCE = 0xff;
export const ALAW_SILENCE = 0xd5;

const ULAW_BIAS = 0x84;
const ULAW_CLIP = 32_635;

function encodeUlaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), ULAW_CLIP) + ULAW_BIAS;
  const exponent = 31 - Math.clz32(magnitude) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

function decodeUlaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + ULAW_BIAS) << ((bits >> 4) & 7)) - ULAW_BIAS;
  return bits & 0x80 ? -magnitude : magnitude;
}

function encodeAlaw(sample: number): number {
  const positive = sample >= 0;
  // One's complement for negative values, on 13 bits, as G.711 has it.
  const magnitude = (positive ? sample : ~sample) >> 3;
  const exponent = magnitude < 32 ? 0 : 31 - Math.clz32(magnitude) - 4;
  const mantissa = (exponent < 2 ? magnitude >> 1 : magnitude >> exponent) & 0x0f;
  return ((exponent << 4) | mantissa) ^ (positive ? 0xd5 : 0x55);
}

function decodeAlaw(code: number): number {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = bits & 0x0f;
  const magnitude = exponent === 0 ? (mantissa << 4) + 8 : ((mantissa << 4) + 0x108) << (exponent - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}

/** Linear sample of each µ-law code. */
export const ULAW_TO_LINEAR: Int16Array = Int16Array.from({ length: 256 }, (_, code) => decodeUlaw(code));
/** Linear sample of each A-law code. */
export const ALAW_TO_LINEAR: Int16Array = Int16Array.from({ length: 256 }, (_, code) => decodeAlaw(code));
/** µ-law code of each 16-bit sample; the index is the sample as an unsigned number (`sample & 0xffff`). */
export const LINEAR_TO_ULAW: Uint8Array = Uint8Array.from({ length: 65_536 }, (_, index) =>
  encodeUlaw((index << 16) >> 16),
);
/** A-law code of each 16-bit sample; the index is `sample & 0xffff`. */
export const LINEAR_TO_ALAW: Uint8Array = Uint8Array.from({ length: 65_536 }, (_, index) =>
  encodeAlaw((index << 16) >> 16),
);
/** A-law code of each µ-law code, and the other way. Silence stays silence. */
export const ULAW_TO_ALAW: Uint8Array = Uint8Array.from(
  ULAW_TO_LINEAR,
  (sample) => LINEAR_TO_ALAW[sample & 0xffff]!,
);
export const ALAW_TO_ULAW: Uint8Array = Uint8Array.from(
  ALAW_TO_LINEAR,
  (sample) => LINEAR_TO_ULAW[sample & 0xffff]!,
);

/** Replaces each code in `bytes[start, end)` by the table's. */
export function translateInPlace(bytes: Buffer, start: number, end: number, table: Uint8Array): void {
  for (let i = start; i < end; i++) bytes[i] = table[bytes[i]!]!;
}

/** Decodes G.711 bytes to linear samples. */
export function decodeG711(codes: Uint8Array, law: 'PCMU' | 'PCMA'): Int16Array {
  const table = law === 'PCMU' ? ULAW_TO_LINEAR : ALAW_TO_LINEAR;
  return Int16Array.from(codes, (code) => table[code]!);
}

/** Encodes linear samples to G.711. */
export function encodeG711(samples: Int16Array, law: 'PCMU' | 'PCMA'): Buffer {
  const table = law === 'PCMU' ? LINEAR_TO_ULAW : LINEAR_TO_ALAW;
  const out = Buffer.allocUnsafe(samples.length);
  for (let i = 0; i < samples.length; i++) out[i] = table[samples[i]! & 0xffff]!;
  return out;
}
