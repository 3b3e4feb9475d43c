const SAMPLE_RATE = 8000;
const AMPLITUDE = 8000;
/** Notes fade in and out over this many samples, so that they do not click. */
const FADE_SAMPLES = 40;

/** Where the audio that a user agent sends comes from. `fill` writes the next samples, 16-bit linear at 8 kHz. */
export interface AudioSource {
  fill(samples: Int16Array): void;
}

/** One note of a melody; `hz` 0 is a rest. */
export interface Note {
  readonly hz: number;
  readonly ms: number;
}

export const silence: AudioSource = { fill: (samples) => void samples.fill(0) };

/** A steady sine of `hz` (1..3999), continuous in phase. */
export function tone(hz: number): AudioSource {
  const step = (2 * Math.PI * hz) / SAMPLE_RATE;
  let phase = 0;
  return {
    fill: (samples) => {
      for (let i = 0; i < samples.length; i++) {
        samples[i] = Math.round(AMPLITUDE * Math.sin(phase));
        phase = (phase + step) % (2 * Math.PI);
      }
    },
  };
}

/** Plays `opening` once and then `refrain` again and again (silence where it is empty). */
export function melody(opening: readonly Note[], refrain: readonly Note[] = []): AudioSource {
  let queue = opening;
  let index = 0;
  let position = 0;
  return {
    fill: (samples) => {
      for (let i = 0; i < samples.length; i++) {
        let note = queue[index];
        while (note !== undefined && position >= (note.ms * SAMPLE_RATE) / 1000) {
          position = 0;
          index++;
          note = queue[index];
        }
        if (note === undefined) {
          queue = refrain;
          index = 0;
          position = 0;
          note = refrain[0];
        }
        samples[i] = note === undefined ? 0 : noteSample(note, position++);
      }
    },
  };
}

function noteSample(note: Note, position: number): number {
  if (note.hz === 0) return 0;
  const left = (note.ms * SAMPLE_RATE) / 1000 - position;
  const fade = Math.min(1, position / FADE_SAMPLES, left / FADE_SAMPLES);
  return Math.round(AMPLITUDE * fade * Math.sin((2 * Math.PI * note.hz * position) / SAMPLE_RATE));
}
