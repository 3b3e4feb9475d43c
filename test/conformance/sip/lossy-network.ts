import type { Clock } from '../../../src/common/clock.js';
import type { Random } from '../../../src/common/random.js';

export interface NetworkFaults {
  /** Probabilities per datagram. */
  readonly loss: number;
  readonly duplication: number;
  /** How many are held back by `HELD_BACK_MS`, so that those sent after them arrive before; 0 by default. */
  readonly reordering?: number;
  /** Each copy is delayed by up to this much, so that datagrams overtake each other. */
  readonly maxDelayMs: number;
}

/** Longer than a round trip and T1, so that retransmissions and later requests overtake too. */
const HELD_BACK_MS = 900;

/** A datagram network between named endpoints that loses, doubles and reorders, repeatably. */
export class LossyNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #faults: NetworkFaults;
  readonly #receivers = new Map<string, (bytes: Buffer, from: string) => void>();
  lost = 0;
  doubled = 0;
  heldBack = 0;
  delivered = 0;

  constructor(clock: Clock, random: Random, faults: NetworkFaults) {
    this.#clock = clock;
    this.#random = random;
    this.#faults = faults;
  }

  attach(address: string, receive: (bytes: Buffer, from: string) => void): void {
    this.#receivers.set(address, receive);
  }

  send(from: string, to: string, bytes: Buffer): void {
    const { loss, duplication, reordering = 0, maxDelayMs } = this.#faults;
    const copies = this.#random.fraction() < duplication ? 2 : 1;
    this.doubled += copies - 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.fraction() < loss) {
        this.lost++;
        continue;
      }
      const heldBack = this.#random.fraction() < reordering;
      if (heldBack) this.heldBack++;
      const delayMs = 1 + this.#random.fraction() * maxDelayMs + (heldBack ? HELD_BACK_MS : 0);
      this.#clock.after(delayMs, () => {
        this.delivered++;
        this.#receivers.get(to)?.(bytes, from);
      });
    }
  }
}
