import { toneSamples } from '../../rtp/tone.js';

const SAMPLE_RATE = 8000;
const AMPLITUDE = 8000;
/** Falling, so that nobody takes it for ringing or for a busy line. */
const STEPS_HZ = [950, 700, 450] as const;
const STEP_MS = 180;
const PAUSE_MS = 240;
const REPEATS = 2;
const RAMP_SAMPLES = 40;

/** The notice to an agent that the caller has hung up: three falling tones, twice, at 8 kHz. */
export function callerGoneSamples(): Int16Array {
  const step = (STEP_MS * SAMPLE_RATE) / 1000;
  const phrase = STEPS_HZ.length * step + (PAUSE_MS * SAMPLE_RATE) / 1000;
  const samples = new Int16Array(REPEATS * phrase);
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const [index, frequencyHz] of STEPS_HZ.entries()) {
      const tone = toneSamples(frequencyHz, step, AMPLITUDE);
      // Short ramps keep the edges from clicking.
      for (let at = 0; at < RAMP_SAMPLES; at++) {
        const gain = at / RAMP_SAMPLES;
        tone[at] = Math.round(tone[at]! * gain);
        tone[step - 1 - at] = Math.round(tone[step - 1 - at]! * gain);
      }
      samples.set(tone, repeat * phrase + index * step);
    }
  }
  return samples;
}
