import type { Clock } from '../../../src/common/clock.js';
import type { Random } from '../../../src/common/random.js';

export interface NetworkFaults {
  /** Probabilities per datagram. */
  readonly loss: number;
  readonly duplication: number;
  /** Each copy is delayed by up to this much, so that datagrams overtake each other. */
  readonly maxDelayMs: number;
}

/** A datagram network between named endpoints that loses, doubles and reorders, repeatably. */
export class LossyNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #faults: NetworkFaults;
  readonly #receivers = new Map<string, (bytes: Buffer, from: string) => void>();
  lost = 0;
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
    const copies = this.#random.fraction() < this.#faults.duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.fraction() < this.#faults.loss) {
        this.lost++;
        continue;
      }
      this.#clock.after(1 + this.#random.fraction() * this.#faults.maxDelayMs, () => {
        this.delivered++;
        this.#receivers.get(to)?.(bytes, from);
      });
    }
  }
}
