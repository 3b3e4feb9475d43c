import type { CallRecord } from '../call/call-record.js';

/** Collects records and hands them on once per turn of the loop: a message per record would cost more than a call. */
export class RecordBatch {
  readonly #flushed: (records: readonly CallRecord[]) => void;
  #records: CallRecord[] = [];
  #scheduled: NodeJS.Immediate | null = null;

  constructor(flushed: (records: readonly CallRecord[]) => void) {
    this.#flushed = flushed;
  }

  add(record: CallRecord): void {
    this.#records.push(record);
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Hands on what is there now: to be called before anything that must not overtake the records. */
  flush(): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = null;
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    this.#flushed(records);
  }
}
