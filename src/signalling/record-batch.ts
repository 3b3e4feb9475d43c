import type { CallRecord } from '../call/call-record.js';

/** Whoever watches calls sees them this much later; each message between threads wakes a thread, so fewer is faster. */
const BATCH_MS = 20;
const BATCH_RECORDS = 500;

/** Collects records and hands them on every 20 ms, or sooner when many have come, and whenever they are flushed. */
export class RecordBatch {
  readonly #flushed: (records: readonly CallRecord[]) => void;
  #records: CallRecord[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(flushed: (records: readonly CallRecord[]) => void) {
    this.#flushed = flushed;
  }

  add(record: CallRecord): void {
    this.#records.push(record);
    if (this.#records.length >= BATCH_RECORDS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Hands on what is there now: to be called before anything that must not overtake the records. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    this.#flushed(records);
  }
}
