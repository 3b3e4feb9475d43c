import type { TransferListener } from '../call-host.js';
import type { TransferOutcome, TransferResult } from '../vocabulary.js';

/** Several who hear of one transfer: who asked for it, and who completes it. */
export class ListenerSet implements TransferListener {
  readonly #listeners: TransferListener[];

  constructor(first: TransferListener | null) {
    this.#listeners = first ? [first] : [];
  }

  add(listener: TransferListener): void {
    this.#listeners.push(listener);
  }

  remove(listener: TransferListener): void {
    this.#listeners.splice(this.#listeners.indexOf(listener), 1);
  }

  provisional(status: number, reason: string): void {
    for (const one of this.#listeners) one.provisional(status, reason);
  }
  concluded(outcome: TransferOutcome): void {
    for (const one of this.#listeners) one.concluded(outcome);
  }
  ended(result: TransferResult): void {
    for (const one of this.#listeners) one.ended(result);
  }
}
