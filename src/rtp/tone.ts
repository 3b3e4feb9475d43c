/**
 * A steady tone. `amplitude` is the peak (0..32767); `phase` in radians lets a tone go on over several pieces.
 */
export function toneSamples(
  frequencyHz: number,
  count: number,
  amplitude: number,
  sampleRate = 8000,
  phase = 0,
): Int16Array {
  const step = (2 * Math.PI * frequencyHz) / sampleRate;
  const samples = new Int16Array(count);
  for (let i = 0; i < count; i++) samples[i] = Math.round(amplitude * Math.sin(phase + step * i));
  return samples;
}
