import type { Clock, Timer } from '../../common/clock.js';

/** Something that sends one packet every 20 ms while it is in the pacer. */
export interface Paced {
  /** Sends what is due; false leaves the pacer. */
  tick(nowMs: number): boolean;
}

const FRAME_MS = 20;
const SLOTS = 4;
const SLOT_MS = FRAME_MS / SLOTS;
/** What a blocked loop is caught up for: 100 ms. Of a longer time nothing is, everybody is ticked once. */
const MAX_LATE_SLOTS = 20;

/**
 * The pacing clock of a worker: one timer that corrects its drift and turns a wheel of four slots, so that the
 * packets of many prompts do not all leave in one burst. It stands still while nobody is paced.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #slots: Set<Paced>[] = Array.from({ length: SLOTS }, () => new Set<Paced>());
  readonly #slotOf = new Map<Paced, Set<Paced>>();
  #timer: Timer | null = null;
  #originMs = 0;
  /** Slots that were run since the origin. */
  #turned = 0;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has `paced` ticked every 20 ms, first as soon as `dueMs` has come. A second call changes nothing. */
  add(paced: Paced, dueMs: number): void {
    if (this.#closed || this.#slotOf.has(paced)) return;
    const nowMs = this.#clock.now();
    if (this.#timer === null) {
      this.#originMs = nowMs;
      this.#turned = 0;
    }
    const next = this.#turned + 1;
    const wanted = Math.ceil((Math.max(dueMs, nowMs) - this.#originMs) / SLOT_MS);
    const slot = this.#slots[Math.min(Math.max(wanted, next), next + SLOTS - 1) % SLOTS]!;
    slot.add(paced);
    this.#slotOf.set(paced, slot);
    if (this.#timer === null) this.#schedule();
  }

  remove(paced: Paced): void {
    this.#slotOf.get(paced)?.delete(paced);
    this.#slotOf.delete(paced);
  }

  has(paced: Paced): boolean {
    return this.#slotOf.has(paced);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
    for (const slot of this.#slots) slot.clear();
    this.#slotOf.clear();
  }

  #schedule(): void {
    const dueMs = this.#originMs + (this.#turned + 1) * SLOT_MS;
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.now()), () => {
      this.#run();
    });
  }

  #run(): void {
    const nowMs = this.#clock.now();
    const due = Math.floor((nowMs - this.#originMs) / SLOT_MS);
    if (due - this.#turned > MAX_LATE_SLOTS) this.#turned = due - SLOTS;
    while (this.#turned < due) {
      this.#turned++;
      for (const paced of this.#slots[this.#turned % SLOTS]!) {
        if (!paced.tick(nowMs)) this.remove(paced);
      }
    }
    this.#timer = null;
    if (!this.#closed && this.#slotOf.size > 0) this.#schedule();
  }
}
