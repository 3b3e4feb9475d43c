/** Peak amplitude (0..32767) of one frequency in `samples`, by Goertzel's algorithm. */
export function toneAmplitude(samples: Int16Array, frequencyHz: number, sampleRate = 8000): number {
  if (samples.length === 0) return 0;
  const coefficient = 2 * Math.cos((2 * Math.PI * frequencyHz) / sampleRate);
  let last = 0;
  let beforeLast = 0;
  for (const sample of samples) {
    const next = sample + coefficient * last - beforeLast;
    beforeLast = last;
    last = next;
  }
  const power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
  return (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}

/** The part of the energy of `samples` (0..1) that lies at one frequency; 0 for silence. */
export function toneShare(samples: Int16Array, frequencyHz: number, sampleRate = 8000): number {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  if (energy === 0) return 0;
  const amplitude = toneAmplitude(samples, frequencyHz, sampleRate);
  return Math.min(1, (amplitude * amplitude * samples.length) / 2 / energy);
}
