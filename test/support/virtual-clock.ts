import type { Clock, Timer } from '../../src/common/clock.js';

interface Pending {
  at: number;
  order: number;
  fire: () => void;
}

/** A clock that moves only when it is told to; due timers fire in order of time, then of creation. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return 1_767_225_600_000 + this.#now;
  }

  after(delayMs: number, fire: () => void): Timer {
    const entry: Pending = { at: this.#now + delayMs, order: this.#order++, fire };
    this.#pending.add(entry);
    return {
      cancel: () => {
        this.#pending.delete(entry);
      },
    };
  }

  /** Timers that have neither fired nor been cancelled: a finished machine leaves none. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Moves time forward and fires what falls due on the way. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: Pending | undefined;
      for (const entry of this.#pending) {
        if (entry.at > end) continue;
        if (!next || entry.at < next.at || (entry.at === next.at && entry.order < next.order)) next = entry;
      }
      if (!next) break;
      this.#pending.delete(next);
      this.#now = next.at;
      next.fire();
    }
    this.#now = end;
  }
}
