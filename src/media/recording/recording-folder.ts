import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordingSettings } from '../../call/project.js';
import { PART } from './recording-file.js';
import { BYTES_PER_FRAME, WAV_HEADER_BYTES, wavHeader } from './wav-format.js';

/** What this node writes, and nothing else, is ever deleted or renamed. */
const OURS = /^\d{8}T\d{6}Z-[\w.@-]+\.wav$/;

/** The file name of a recording: when it began, and its call. */
export function recordingName(callId: string, wallMs: number, part = 1): string {
  const at = new Date(wallMs)
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.\d+Z$/, 'Z');
  const suffix = part > 1 ? `-part${part}` : '';
  return `${at}-${callId.replace(/[^\w.@-]/g, '_').slice(0, 128)}${suffix}.wav`;
}

/** Which part of a call a file holds, by its name; 1 for the first. */
export function recordingPart(file: string): number {
  return Number(/-part(\d+)\.wav$/.exec(file)?.[1] ?? 1);
}

/** Gives files that a crash left unfinished their true length and their name; the number of them. */
export async function recoverRecordings(directory: string): Promise<number> {
  let recovered = 0;
  for (const name of await readdir(directory)) {
    if (!name.endsWith(PART) || !OURS.test(name.slice(0, -PART.length))) continue;
    const path = join(directory, name);
    const { size } = await stat(path);
    const frames = Math.max(0, Math.floor((size - WAV_HEADER_BYTES) / BYTES_PER_FRAME));
    const handle = await open(path, 'r+');
    try {
      await handle.write(wavHeader(frames * BYTES_PER_FRAME), 0, WAV_HEADER_BYTES, 0);
      await handle.truncate(WAV_HEADER_BYTES + frames * BYTES_PER_FRAME);
    } finally {
      await handle.close();
    }
    await rename(path, path.slice(0, -PART.length));
    recovered++;
  }
  return recovered;
}

/** Deletes recordings that are too old, and the oldest ones while all hold too much; their names. */
export async function trimRecordings(
  { directory, keepMs, maxBytes }: Pick<RecordingSettings, 'directory' | 'keepMs' | 'maxBytes'>,
  wallMs: number,
): Promise<string[]> {
  if (keepMs === null && maxBytes === null) return [];
  const files: { name: string; size: number; atMs: number }[] = [];
  for (const name of (await readdir(directory)).filter((each) => OURS.test(each))) {
    const { size, mtimeMs } = await stat(join(directory, name));
    files.push({ name, size, atMs: mtimeMs });
  }
  // Newest first: what does not fit any more is old.
  files.sort((a, b) => b.atMs - a.atMs);
  const deleted: string[] = [];
  let bytes = 0;
  for (const { name, size, atMs } of files) {
    bytes += size;
    const tooOld = keepMs !== null && wallMs - atMs > keepMs;
    if (!tooOld && (maxBytes === null || bytes <= maxBytes)) continue;
    await unlink(join(directory, name));
    deleted.push(name);
  }
  return deleted;
}
