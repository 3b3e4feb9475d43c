const SAMPLE_RATE = 8000;
const BEAT_S = 0.36;
const PEAK = 7000;
/** How long a note rings after its beat. */
const RING_S = 1.1;

/** Four chords of eight notes each, in semitones from A4; no note in it clashes with its neighbours. */
const ARPEGGIOS: readonly (readonly number[])[] = [
  [-9, -5, -2, 3, 7, 3, -2, -5],
  [-12, -9, -5, 0, 3, 0, -5, -9],
  [-4, 0, 3, 8, 12, 8, 3, 0],
  [-2, 2, 5, 10, 5, 2, -2, 5],
];

/**
 * The built-in music on hold: an arpeggio of soft plucked notes, made at start so that no file is needed.
 * Notes ring over the end into the beginning, so the loop has no seam.
 */
export function melodySamples(): Int16Array {
  const notes = ARPEGGIOS.flat();
  const beat = Math.round(BEAT_S * SAMPLE_RATE);
  const length = beat * notes.length;
  const mix = new Float64Array(length);
  notes.forEach((semitone, index) => {
    addNote(mix, index * beat, 440 * 2 ** (semitone / 12));
  });
  let highest = 0;
  for (const value of mix) highest = Math.max(highest, Math.abs(value));
  return Int16Array.from(mix, (value) => Math.round((value / highest) * PEAK));
}

function addNote(mix: Float64Array, start: number, frequencyHz: number): void {
  const count = Math.round(RING_S * SAMPLE_RATE);
  const step = (2 * Math.PI * frequencyHz) / SAMPLE_RATE;
  for (let i = 0; i < count; i++) {
    const attack = Math.min(1, i / 80);
    const release = Math.min(1, (count - i) / 400);
    const decay = Math.exp((-3.5 * i) / count);
    const wave = Math.sin(step * i) + 0.35 * Math.sin(2 * step * i) + 0.12 * Math.sin(3 * step * i);
    const at = (start + i) % mix.length;
    mix[at] = mix[at]! + wave * attack * release * decay;
  }
}
