import type { PortRange } from '../worker-messages.js';

/**
 * Even RTP ports (RFC 3550 11) of one worker's range; the odd one above each is its RTCP port. A freed pair
 * goes to the end of the queue, so that late packets of an old call do not meet a new one.
 */
export class PortAllocator {
  readonly #free: number[] = [];
  #head = 0;
  readonly total: number;

  constructor(range: PortRange) {
    for (let port = range.first + (range.first % 2); port + 1 <= range.last; port += 2) this.#free.push(port);
    this.total = this.#free.length;
  }

  /** Pairs that were taken and not given back. */
  get inUse(): number {
    return this.total - this.available;
  }

  get available(): number {
    return this.#free.length - this.#head;
  }

  /** An even port, or null when the range is used up. */
  take(): number | null {
    const port = this.#free[this.#head];
    if (port === undefined) return null;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#free.length) {
      this.#free.splice(0, this.#head);
      this.#head = 0;
    }
    return port;
  }

  release(port: number): void {
    this.#free.push(port);
  }
}

/** Splits a range into `count` parts that each begin with an even port. */
export function splitPortRange(range: PortRange, count: number): PortRange[] {
  const first = range.first + (range.first % 2);
  const pairs = Math.max(0, Math.floor((range.last - first + 1) / 2));
  const parts: PortRange[] = [];
  for (let index = 0; index < count; index++) {
    const from = first + Math.floor((pairs * index) / count) * 2;
    const to = first + Math.floor((pairs * (index + 1)) / count) * 2 - 1;
    parts.push({ first: from, last: to });
  }
  return parts;
}
