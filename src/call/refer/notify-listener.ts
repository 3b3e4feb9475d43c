import type { TransferListener } from '../call-host.js';
import type { Leg } from '../leg/leg.js';
import { statusOfOutcome } from '../transfer/outcome.js';
import type { TransferOutcome } from '../vocabulary.js';

/** How long the implicit subscription is good for (s); each transfer ends well before. */
const EXPIRES_S = 300;

/** Reports a transfer to the one who asked for it by REFER: NOTIFY 100, 18x and the final status (RFC 3515 2.4.4). */
export class NotifyListener implements TransferListener {
  readonly #leg: Leg;
  readonly #eventId: string | null;
  #last = 0;
  #done = false;

  /** `eventId` is the CSeq number of the REFER where it is not the first in its dialog. */
  constructor(leg: Leg, eventId: string | null) {
    this.#leg = leg;
    this.#eventId = eventId;
  }

  provisional(status: number, reason: string): void {
    if (status <= this.#last) return;
    this.#last = status;
    this.#notify(`SIP/2.0 ${status} ${reason}`, `active;expires=${EXPIRES_S}`);
  }

  concluded(outcome: TransferOutcome): void {
    const { status, reason } = statusOfOutcome(outcome);
    this.#notify(`SIP/2.0 ${status} ${reason}`, 'terminated;reason=noresource');
    this.#done = true;
  }

  ended(): void {
    // The final NOTIFY went out when the outcome was certain.
  }

  #notify(line: string, state: string): void {
    if (this.#done || !this.#leg.up) return;
    const id = this.#eventId === null ? '' : `;id=${this.#eventId}`;
    const headers = { Event: `refer${id}`, 'Subscription-State': state };
    this.#leg.request(
      'NOTIFY',
      { headers, body: `${line}\r\n`, contentType: 'message/sipfrag;version=2.0' },
      (reply) => {
        // RFC 6665 4.2.2: a subscriber that forgot us wants no more.
        if (reply.status === 481) this.#done = true;
      },
    );
  }
}
