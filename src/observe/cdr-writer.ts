import { open, type FileHandle } from 'node:fs/promises';
import { messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import type { CallView } from './call-view.js';

export interface CdrWriterOptions {
  readonly file: string;
  /** Lines that may wait for the disk; beyond it the oldest are lost and counted. */
  readonly queueLines: number;
  /** Pause before a failed write is tried again. */
  readonly retryMs: number;
  /** How long `close` waits for the last lines. */
  readonly closeMs: number;
}

export const defaultCdrWriterOptions: Omit<CdrWriterOptions, 'file'> = {
  queueLines: 10_000,
  retryMs: 2_000,
  closeMs: 2_000,
};

export interface CdrStats {
  readonly written: number;
  readonly failedWrites: number;
  readonly lost: number;
  readonly waiting: number;
}

/**
 * Appends one JSON line per ended call. The caller never waits: a full or missing disk costs memory up to the
 * queue's bound, then the oldest lines, which are counted; it is logged once until writing works again.
 */
export class CdrWriter {
  readonly #options: CdrWriterOptions;
  readonly #log: Logger;
  readonly #queue: string[] = [];
  #handle: FileHandle | null = null;
  /** What is being written, and how much of it is on the disk: a failed write goes on where it stopped. */
  #batch: { readonly bytes: Buffer; readonly lines: number; done: number } | null = null;
  #running: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #failing = false;
  #closed = false;
  #written = 0;
  #failedWrites = 0;
  #lost = 0;

  constructor(options: CdrWriterOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  get stats(): CdrStats {
    const waiting = this.#queue.length + (this.#batch?.lines ?? 0);
    return { written: this.#written, failedWrites: this.#failedWrites, lost: this.#lost, waiting };
  }

  write(call: CallView): void {
    if (this.#closed) return;
    this.#queue.push(`${JSON.stringify(cdrOf(call))}\n`);
    if (this.#queue.length > this.#options.queueLines) {
      this.#queue.shift();
      this.#lost++;
    }
    this.#start();
  }

  /** Opens the file anew for the next line, as log rotation asks for. */
  async reopen(): Promise<void> {
    await this.#running;
    await this.#closeFile();
    this.#start();
  }

  /** Writes what waits, within a bound. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopRetry();
    this.#start();
    let late: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => {
      late = setTimeout(resolve, this.#options.closeMs);
    });
    await Promise.race([this.#running, bound]);
    clearTimeout(late);
    this.#stopRetry();
    const left = this.stats.waiting;
    this.#lost += left;
    this.#queue.length = 0;
    this.#batch = null;
    if (left > 0)
      this.#log.error({ lines: left }, 'CDR lines lost: they could not be written before the end');
    await this.#closeFile();
  }

  #start(): void {
    if (this.#running || this.#retry) return;
    this.#running = this.#drain().finally(() => {
      this.#running = null;
    });
  }

  async #drain(): Promise<void> {
    try {
      for (;;) {
        const batch = (this.#batch ??= this.#nextBatch());
        if (!batch) return;
        this.#handle ??= await open(this.#options.file, 'a', 0o640);
        const { bytesWritten } = await this.#handle.write(batch.bytes, batch.done);
        batch.done += bytesWritten;
        if (batch.done < batch.bytes.length) continue;
        this.#written += batch.lines;
        this.#batch = null;
        if (this.#failing) this.#log.info({ file: this.#options.file }, 'CDR file is written again');
        this.#failing = false;
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #nextBatch(): { bytes: Buffer; lines: number; done: number } | null {
    if (this.#queue.length === 0) return null;
    const lines = this.#queue.splice(0);
    return { bytes: Buffer.from(lines.join('')), lines: lines.length, done: 0 };
  }

  #failed(error: unknown): void {
    this.#failedWrites++;
    if (!this.#failing) {
      this.#failing = true;
      this.#log.error(
        { code: 'cdr_write_failed', file: this.#options.file, cause: messageOf(error) },
        'CDR file cannot be written; lines wait in memory. Free disk space or correct the path',
      );
    }
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#start();
    }, this.#options.retryMs);
    this.#retry.unref();
  }

  #stopRetry(): void {
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
  }

  async #closeFile(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }
}

/** The call detail record: the ended call, each of its transfers by its terminal result. Times are Unix ms. */
export function cdrOf(call: CallView): Record<string, unknown> {
  const record: Record<string, unknown> = { ...call };
  for (const shownOnly of ['state', 'legs', 'notes']) Reflect.deleteProperty(record, shownOnly);
  record.transfers = call.transfers.flatMap(({ result }) => (result ? [result] : []));
  return record;
}
