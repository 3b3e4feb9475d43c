import { toneSamples } from '../../rtp/tone.js';

const SAMPLE_RATE = 8000;

/** Ringing tone: frequency and cadence, as ITU-T E.180 lists them by country. */
export interface RingbackCadence {
  readonly frequencyHz: number;
  readonly onMs: number;
  readonly offMs: number;
}

/** 425 Hz, one second in five: most of Europe and Latin America. */
export const DEFAULT_RINGBACK: RingbackCadence = { frequencyHz: 425, onMs: 1000, offMs: 4000 };

const AMPLITUDE = 6000;
const RAMP_SAMPLES = 40;

/** One period of a ringing tone at 8 kHz. */
export function ringbackSamples(cadence: RingbackCadence): Int16Array {
  const on = Math.round((cadence.onMs * SAMPLE_RATE) / 1000);
  const samples = new Int16Array(on + Math.round((cadence.offMs * SAMPLE_RATE) / 1000));
  const tone = toneSamples(cadence.frequencyHz, on, AMPLITUDE);
  // Short ramps keep the edges from clicking.
  for (let i = 0; i < RAMP_SAMPLES && i < on; i++) {
    const gain = i / RAMP_SAMPLES;
    tone[i] = Math.round(tone[i]! * gain);
    tone[on - 1 - i] = Math.round(tone[on - 1 - i]! * gain);
  }
  samples.set(tone);
  return samples;
}
