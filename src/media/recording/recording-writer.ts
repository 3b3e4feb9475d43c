import { join } from 'node:path';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/log.js';
import { RecordingFile } from './recording-file.js';
import type { FromRecordingWriter, ToRecordingWriter } from './recording-messages.js';

/** Audio that waits for the disk, of all recordings: four minutes of a hundred calls. */
const MAX_WAITING_BYTES = 768 * 1024 * 1024;

interface Recording {
  /** What is to be done with the file, one after the other. */
  work: Promise<void>;
  file: RecordingFile | null;
  failed: boolean;
}

/** Writes the recordings of one media worker. A recording that cannot be written ends alone; it is said once. */
export class RecordingWriter {
  readonly #recordings = new Map<number, Recording>();
  /** Closed, with work left to do. */
  readonly #finishing = new Set<Promise<void>>();
  readonly #reply: (message: FromRecordingWriter) => void;
  readonly #log: Logger;
  readonly #maxWaitingBytes: number;
  #waitingBytes = 0;

  constructor(
    reply: (message: FromRecordingWriter) => void,
    log: Logger,
    maxWaitingBytes: number = MAX_WAITING_BYTES,
  ) {
    this.#reply = reply;
    this.#log = log;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  handle(message: ToRecordingWriter): void {
    if (message.kind === 'open') {
      const path = join(message.directory, message.name);
      const recording: Recording = { work: Promise.resolve(), file: null, failed: false };
      this.#recordings.set(message.id, recording);
      this.#then(message.id, recording, async () => {
        recording.file = await RecordingFile.create(path);
        this.#reply({ kind: 'opened', id: message.id, file: path });
      });
      return;
    }
    const recording = this.#recordings.get(message.id);
    if (!recording) return;
    switch (message.kind) {
      case 'audio':
        this.#audio(message.id, recording, new Uint8Array(message.samples));
        return;
      case 'mark':
        this.#then(message.id, recording, () => {
          recording.file?.mark(message.frame, message.label);
          return Promise.resolve();
        });
        return;
      case 'close':
        this.#recordings.delete(message.id);
        this.#then(message.id, recording, async () => recording.file?.finish());
        this.#finishing.add(recording.work);
        void recording.work.finally(() => this.#finishing.delete(recording.work));
        return;
    }
  }

  /** Finishes every file; resolves when all is on disk. */
  async close(): Promise<void> {
    for (const id of [...this.#recordings.keys()]) this.handle({ kind: 'close', id });
    await Promise.all(this.#finishing);
  }

  #audio(id: number, recording: Recording, samples: Uint8Array): void {
    if (recording.failed) return;
    if (this.#waitingBytes + samples.length > this.#maxWaitingBytes) {
      this.#then(id, recording, () => Promise.reject(new Error('the disk is too slow for the audio')));
      return;
    }
    this.#waitingBytes += samples.length;
    this.#then(id, recording, async () => recording.file?.append(samples));
    recording.work = recording.work.then(() => {
      this.#waitingBytes -= samples.length;
    });
  }

  #then(id: number, recording: Recording, step: () => Promise<void>): void {
    recording.work = recording.work.then(async () => {
      if (recording.failed) return;
      try {
        await step();
      } catch (error) {
        await this.#fail(id, recording, error);
      }
    });
  }

  async #fail(id: number, recording: Recording, error: unknown): Promise<void> {
    recording.failed = true;
    const code = (error as NodeJS.ErrnoException).code ?? 'recording_failed';
    this.#log.error({ id, code, error: messageOf(error) }, 'a recording cannot be written: it ends here');
    this.#reply({ kind: 'failed', id, code, detail: messageOf(error) });
    try {
      await recording.file?.abandon();
    } catch (cause) {
      this.#log.warn({ id, error: messageOf(cause) }, 'what was recorded is left as it is');
    }
    recording.file = null;
  }
}
