import { closeSync, openSync, readSync } from 'node:fs';

/** What is wrong with a WAV file at a path; null if it can be read and says that it is one. */
export function wavFileFault(path: string): string | null {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unreadable';
    return code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code})`;
  }
  try {
    const head = Buffer.alloc(12);
    const read = readSync(handle, head, 0, head.length, 0);
    const isWave =
      read === 12 && head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8) === 'WAVE';
    return isWave ? null : 'the file is no WAV file';
  } catch {
    return 'the file cannot be read';
  } finally {
    closeSync(handle);
  }
}
