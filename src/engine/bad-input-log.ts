import type { Logger } from '../common/log.js';

const REMEMBERED_SOURCES = 1_000;

/** Counts what could not be read, and logs each source once. */
export class BadInputLog {
  readonly #log: Logger;
  readonly #seen = new Set<string>();
  #count = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  get count(): number {
    return this.#count;
  }

  note(address: string, reason: string): void {
    this.#count++;
    if (this.#seen.has(address)) return;
    if (this.#seen.size >= REMEMBERED_SOURCES) this.#seen.clear();
    this.#seen.add(address);
    this.#log.warn({ address, reason }, 'malformed SIP; further messages of this source are only counted');
  }
}
