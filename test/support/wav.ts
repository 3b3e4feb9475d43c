import { readFileSync, writeFileSync } from 'node:fs';

const RATE = 8000;

/** Writes a mono 16-bit WAV file with a steady tone. */
export function writeToneWav(path: string, frequencyHz: number, seconds: number): void {
  const samples = RATE * seconds;
  const file = Buffer.alloc(44 + samples * 2);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(36 + samples * 2, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(RATE, 24);
  file.writeUInt32LE(RATE * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(samples * 2, 40);
  for (let n = 0; n < samples; n++) {
    file.writeInt16LE(Math.round(9000 * Math.sin((2 * Math.PI * frequencyHz * n) / RATE)), 44 + n * 2);
  }
  writeFileSync(path, file);
}

const PLAIN_HEADER_BYTES = 44;

/** The samples of a mono 16-bit 8 kHz WAV file, read as far as it has been written; its header may come last. */
export function readWav(path: string): Int16Array {
  const file = readFileSync(path);
  const data = file.subarray(0, 4096).indexOf('data', 12, 'latin1');
  const start = data < 0 ? PLAIN_HEADER_BYTES : data + 8;
  return Int16Array.from({ length: Math.max(0, Math.floor((file.length - start) / 2)) }, (_, n) =>
    file.readInt16LE(start + n * 2),
  );
}

/** The share of the power in `samples` that lies at `frequencyHz` (Goertzel): 1 for a pure tone. */
function toneShare(samples: Int16Array, frequencyHz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequencyHz) / RATE);
  let previous = 0;
  let beforeThat = 0;
  let energy = 0;
  for (const sample of samples) {
    const now = sample + coefficient * previous - beforeThat;
    beforeThat = previous;
    previous = now;
    energy += sample * sample;
  }
  if (energy < samples.length * 100) return 0;
  const power = previous * previous + beforeThat * beforeThat - coefficient * previous * beforeThat;
  return (2 * power) / (energy * samples.length);
}

/** How many milliseconds of `samples` are this tone, in windows of 100 ms. */
export function toneMs(samples: Int16Array, frequencyHz: number): number {
  const window = RATE / 10;
  let ms = 0;
  for (let start = 0; start + window <= samples.length; start += window) {
    if (toneShare(samples.subarray(start, start + window), frequencyHz) > 0.6) ms += 100;
  }
  return ms;
}
