const SAMPLE_RATE = 8000;
const LOWEST_HZ = 250;
const HIGHEST_HZ = 3400;
const STEP_HZ = 10;
/** A tone must be the strongest within this many steps on either side: the width of a Hann main lobe. */
const NEIGHBOURS = 5;
/** Below this amplitude (of 32767) there is no tone, only noise of the coder. */
const AUDIBLE_AMPLITUDE = 150;
/** A weaker component than this share of the strongest is leakage, not a second tone. */
const SHARE_OF_STRONGEST = 0.2;

function hann(length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length));
}

/** The amplitude (0..32767) of one frequency in already windowed samples: Goertzel's second-order filter. */
function amplitudeOf(hz: number, windowed: Float64Array): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / SAMPLE_RATE);
  let last = 0;
  let beforeLast = 0;
  for (let i = 0; i < windowed.length; i++) {
    const next = windowed[i]! + coefficient * last - beforeLast;
    beforeLast = last;
    last = next;
  }
  const power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
  return (4 * Math.sqrt(Math.max(0, power))) / windowed.length;
}

/**
 * The tones in 8 kHz samples, strongest first, each within 5 Hz of the truth. Made for windows of about
 * 200 ms; speech and noise give a few arbitrary values, silence none.
 */
export function tonesIn(samples: Int16Array): number[] {
  const shape = hann(samples.length);
  const windowed = Float64Array.from(samples, (sample, i) => sample * shape[i]!);
  const amplitudes: number[] = [];
  for (let hz = LOWEST_HZ; hz <= HIGHEST_HZ; hz += STEP_HZ) amplitudes.push(amplitudeOf(hz, windowed));
  const strongest = Math.max(...amplitudes);
  const floor = Math.max(AUDIBLE_AMPLITUDE, strongest * SHARE_OF_STRONGEST);
  const found: { hz: number; amplitude: number }[] = [];
  amplitudes.forEach((amplitude, i) => {
    const near = amplitudes.slice(Math.max(0, i - NEIGHBOURS), i + NEIGHBOURS + 1);
    if (amplitude >= floor && amplitude >= Math.max(...near)) {
      found.push({ hz: LOWEST_HZ + i * STEP_HZ, amplitude });
    }
  });
  return found.sort((a, b) => b.amplitude - a.amplitude).map(({ hz }) => hz);
}
