/** A G.711 companding law by its RTP/AVP name (RFC 3551 section 4.5.14). */
export type G711Law = 'PCMU' | 'PCMA';

const MU_BIAS = 0x84;
const MU_CLIP = 32635;
/** Every other bit of an A-law octet is inverted on the wire. */
const A_MASK = 0x55;

function encodeMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), MU_CLIP) + MU_BIAS;
  const exponent = Math.max(0, 31 - Math.clz32(magnitude) - 7);
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

function decodeMuLaw(octet: number): number {
  const bits = ~octet & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + MU_BIAS) << ((bits >> 4) & 0x07)) - MU_BIAS;
  return (bits & 0x80) === 0 ? magnitude : -magnitude;
}

function encodeALaw(sample: number): number {
  const sign = sample >= 0 ? 0x80 : 0;
  const magnitude = sample >= 0 ? sample : -sample - 1;
  const exponent = magnitude >= 256 ? 31 - Math.clz32(magnitude) - 7 : 0;
  const mantissa = (magnitude >> (exponent === 0 ? 4 : exponent + 3)) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ A_MASK;
}

function decodeALaw(octet: number): number {
  const bits = octet ^ A_MASK;
  const exponent = (bits >> 4) & 0x07;
  const step = ((bits & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? step : (step + 0x100) << (exponent - 1);
  return (bits & 0x80) !== 0 ? magnitude : -magnitude;
}

const DECODED: Readonly<Record<G711Law, Int16Array>> = {
  PCMU: Int16Array.from({ length: 256 }, (_, octet) => decodeMuLaw(octet)),
  PCMA: Int16Array.from({ length: 256 }, (_, octet) => decodeALaw(octet)),
};

/** Linear 16-bit samples to one octet each. */
export function encodeG711(law: G711Law, samples: Int16Array): Buffer {
  const encode = law === 'PCMU' ? encodeMuLaw : encodeALaw;
  const out = Buffer.allocUnsafe(samples.length);
  for (let i = 0; i < samples.length; i++) out[i] = encode(samples[i]!);
  return out;
}

/** Octets to linear 16-bit samples. */
export function decodeG711(law: G711Law, octets: Uint8Array): Int16Array {
  const table = DECODED[law];
  const out = new Int16Array(octets.length);
  for (let i = 0; i < octets.length; i++) out[i] = table[octets[i]!]!;
  return out;
}
