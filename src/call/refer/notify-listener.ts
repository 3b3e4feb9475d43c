import type { CallContext } from '../call-context.js';
import type { TransferListener } from '../call-host.js';
import type { Leg } from '../leg/leg.js';
import { statusOfOutcome } from '../transfer/outcome.js';
import type { SipHeaders, TransferOutcome } from '../vocabulary.js';

/** How long the implicit subscription is good for (s); each transfer ends well before. */
const EXPIRES_S = 300;

/** The way of the NOTIFYs of one subscription. */
export interface NotifyChannel {
  readonly open: boolean;
  /** `gone` runs where the subscriber knows nothing of the subscription. */
  send(headers: SipHeaders, body: string, gone: () => void): void;
}

/** NOTIFYs in the dialog of the leg, where the REFER came. */
export function legChannel(leg: Leg): NotifyChannel {
  return {
    get open() {
      return leg.up;
    },
    send: (headers, body, gone) => {
      leg.request('NOTIFY', { headers, body, contentType: 'message/sipfrag;version=2.0' }, (reply) => {
        // RFC 6665 4.2.2: a subscriber that forgot us wants no more.
        if (reply.status === 481) gone();
      });
    },
  };
}

/** NOTIFYs in the dialog that the REFER itself opened: they go on after the leg has ended. */
export function outsideChannel(context: CallContext, leg: Leg, subscription: string): NotifyChannel {
  const { legId } = leg;
  return {
    open: true,
    send: (headers, body) => context.signalling({ kind: 'notify', legId, subscription, headers, body }),
  };
}

/** Reports a transfer to the one who asked for it by REFER: NOTIFY 100, 18x and the final status (RFC 3515 2.4.4). */
export class NotifyListener implements TransferListener {
  readonly #channel: NotifyChannel;
  readonly #eventId: string | null;
  #last = 0;
  #done = false;

  /** `eventId` is the CSeq number of the REFER where it is not the first in its dialog. */
  constructor(channel: NotifyChannel, eventId: string | null) {
    this.#channel = channel;
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
    if (this.#done || !this.#channel.open) return;
    const id = this.#eventId === null ? '' : `;id=${this.#eventId}`;
    const headers = { Event: `refer${id}`, 'Subscription-State': state };
    this.#channel.send(headers, `${line}\r\n`, () => {
      this.#done = true;
    });
  }
}
