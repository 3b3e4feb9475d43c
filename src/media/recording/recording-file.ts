import { existsSync } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { BYTES_PER_FRAME, cueChunks, WAV_HEADER_BYTES, wavHeader, type Cue } from './wav-format.js';

/** Files that are being written have this behind their name. */
export const PART = '.part';
/** The header tells the true length at least so often: what a crash leaves can be played. */
const PATCH_EVERY_BYTES = 5 * 8000 * BYTES_PER_FRAME;

/** One recording on disk. Calls must not overlap; each may reject with the error of the system. */
export class RecordingFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #cues: Cue[] = [];
  #dataBytes = 0;
  #patchedAt = 0;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Creates `path` + `.part`; a file that is there already is never touched. */
  static async create(path: string): Promise<RecordingFile> {
    const handle = await open(path + PART, 'wx', 0o640);
    if (existsSync(path)) {
      await handle.close();
      await unlink(path + PART);
      throw Object.assign(new Error(`${path} is there already`), { code: 'EEXIST' });
    }
    const file = new RecordingFile(path, handle);
    try {
      await handle.write(wavHeader(0), 0, WAV_HEADER_BYTES, 0);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return file;
  }

  async append(samples: Uint8Array): Promise<void> {
    let written = 0;
    while (written < samples.length) {
      const at = WAV_HEADER_BYTES + this.#dataBytes + written;
      written += (await this.#handle.write(samples, written, samples.length - written, at)).bytesWritten;
    }
    this.#dataBytes += samples.length;
    if (this.#dataBytes - this.#patchedAt >= PATCH_EVERY_BYTES) await this.#patch(0);
  }

  mark(frame: number, label: string): void {
    this.#cues.push({ frame, label });
  }

  /** Writes the marks, gives the file its name. */
  async finish(): Promise<void> {
    try {
      const trailer = cueChunks(this.#cues);
      if (trailer.length > 0) {
        await this.#handle.write(trailer, 0, trailer.length, WAV_HEADER_BYTES + this.#dataBytes);
      }
      await this.#patch(trailer.length);
      await this.#handle.datasync();
    } finally {
      await this.#handle.close();
    }
    await rename(this.#path + PART, this.#path);
  }

  /** Leaves what there is, as playable as it can be made, under its final name. */
  async abandon(): Promise<void> {
    try {
      await this.#patch(0);
    } finally {
      await this.#handle.close();
    }
    await rename(this.#path + PART, this.#path);
  }

  async #patch(trailerBytes: number): Promise<void> {
    await this.#handle.write(wavHeader(this.#dataBytes, trailerBytes), 0, WAV_HEADER_BYTES, 0);
    this.#patchedAt = this.#dataBytes;
  }
}
