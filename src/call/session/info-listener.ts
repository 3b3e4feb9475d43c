import type { TransferListener } from '../call-host.js';
import type { Leg } from '../leg/leg.js';
import type { TransferResult } from '../vocabulary.js';

/** Tells a bot what became of a transfer: an INFO of type application/json. */
export class InfoListener implements TransferListener {
  readonly #leg: Leg;

  constructor(leg: Leg) {
    this.#leg = leg;
  }

  provisional(): void {
    // Only the result is of use to a bot that did not ask by REFER.
  }

  concluded(): void {
    // The result follows with all its figures.
  }

  ended(result: TransferResult): void {
    if (!this.#leg.up) return;
    const body = JSON.stringify({ event: 'transfer_result', ...result });
    this.#leg.request('INFO', { body, contentType: 'application/json' }, () => undefined);
  }
}
