import type { RingbackCountry } from '../../common/ringback-country.js';
import { toneSamples } from '../../rtp/tone.js';

const SAMPLE_RATE = 8000;

/** Ringing tone: frequencies that sound together, and times of sound and silence by turns, as ITU-T E.180 lists them. */
export interface RingbackCadence {
  readonly frequenciesHz: readonly number[];
  readonly onOffMs: readonly number[];
}

const tone = (frequencyHz: number, onMs: number, offMs: number): RingbackCadence => ({
  frequenciesHz: [frequencyHz],
  onOffMs: [onMs, offMs],
});

const USUAL = tone(425, 1000, 4000);
const DOUBLE: RingbackCadence = { frequenciesHz: [400, 450], onOffMs: [400, 200, 400, 2000] };
const NORTH_AMERICA: RingbackCadence = { frequenciesHz: [440, 480], onOffMs: [2000, 4000] };

/** ITU-T E.180 Supplement 2 (Various tones used in national networks). */
export const RINGBACK: Readonly<Record<RingbackCountry, RingbackCadence>> = {
  eu: USUAL,
  ar: USUAL,
  at: tone(420, 1000, 5000),
  be: tone(425, 1000, 3000),
  br: USUAL,
  ca: NORTH_AMERICA,
  cl: tone(400, 1000, 3000),
  cn: tone(450, 1000, 4000),
  co: USUAL,
  de: USUAL,
  es: tone(425, 1500, 3000),
  fr: tone(440, 1500, 3500),
  ie: DOUBLE,
  it: USUAL,
  // 400 Hz, modulated with 16 Hz: two tones that far apart.
  jp: { frequenciesHz: [384, 416], onOffMs: [1000, 2000] },
  mx: USUAL,
  nz: DOUBLE,
  pt: tone(425, 1000, 5000),
  se: tone(425, 1000, 5000),
  uk: DOUBLE,
  us: NORTH_AMERICA,
};

const AMPLITUDE = 6000;
const RAMP_SAMPLES = 40;

/** One period of a ringing tone at 8 kHz. */
export function ringbackSamples({ frequenciesHz, onOffMs }: RingbackCadence): Int16Array {
  const lengths = onOffMs.map((ms) => Math.round((ms * SAMPLE_RATE) / 1000));
  const samples = new Int16Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  lengths.forEach((length, index) => {
    if (index % 2 === 0) samples.set(burst(frequenciesHz, length), at);
    at += length;
  });
  return samples;
}

function burst(frequenciesHz: readonly number[], length: number): Int16Array {
  const sum = new Int16Array(length);
  for (const frequencyHz of frequenciesHz) {
    const one = toneSamples(frequencyHz, length, AMPLITUDE / frequenciesHz.length);
    for (let i = 0; i < length; i++) sum[i] = sum[i]! + one[i]!;
  }
  // Short ramps keep the edges from clicking.
  for (let i = 0; i < RAMP_SAMPLES && i < length; i++) {
    const gain = i / RAMP_SAMPLES;
    sum[i] = Math.round(sum[i]! * gain);
    sum[length - 1 - i] = Math.round(sum[length - 1 - i]! * gain);
  }
  return sum;
}
