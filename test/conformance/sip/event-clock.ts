import type { Clock, Timer } from '../../../src/common/clock.js';

interface Entry {
  readonly at: number;
  readonly order: number;
  fire: (() => void) | undefined;
}

/** A virtual clock on a binary heap, for simulations with hundreds of thousands of timers. */
export class EventClock implements Clock {
  #now = 0;
  #order = 0;
  #live = 0;
  readonly #heap: Entry[] = [];

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  get pendingTimers(): number {
    return this.#live;
  }

  after(delayMs: number, fire: () => void): Timer {
    const entry: Entry = { at: this.#now + delayMs, order: this.#order++, fire };
    this.#live++;
    this.#push(entry);
    return {
      cancel: () => {
        if (!entry.fire) return;
        entry.fire = undefined;
        this.#live--;
      },
    };
  }

  /** Fires everything in order until nothing is left; throws if that takes longer than `limitMs`. */
  runOut(limitMs: number): void {
    for (let entry = this.#pop(); entry; entry = this.#pop()) {
      const { fire } = entry;
      if (!fire) continue;
      if (entry.at > limitMs) throw new Error(`timers still run after ${limitMs} ms`);
      this.#now = entry.at;
      entry.fire = undefined;
      this.#live--;
      fire();
    }
  }

  #before(one: Entry, other: Entry): boolean {
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
