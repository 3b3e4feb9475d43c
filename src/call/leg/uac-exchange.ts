import type { CallContext } from '../call-context.js';
import type { LegId, SignallingCommand, SignallingEvent } from '../signalling-port.js';
import type { SipHeaders } from '../vocabulary.js';
import type { InitialOffer } from './initial-offer.js';
import type { MediaResult } from './leg-media.js';
import type { Dial } from './leg-orders.js';
import type { LegState, LegTrigger } from './leg-state.js';

type Refusal = Extract<MediaResult, { ok: false }>;

/** What the exchange needs of its leg. */
export interface UacPort {
  readonly context: CallContext;
  readonly legId: LegId;
  readonly initial: InitialOffer;
  state(): LegState;
  move(trigger: LegTrigger): boolean;
  send(command: SignallingCommand): void;
  /** No INVITE went out: our media could not be made. */
  notMade(failure: Refusal): void;
  progress(status: number, earlyMedia: boolean): void;
  /** The 2xx is there; its answer is still to be taken. */
  confirmed(event: Extract<SignallingEvent, { kind: 'accepted' }>): void;
  answered(): void;
  failMedia(failure: Refusal): void;
  /** Headers of the BYE to an answer that came after our CANCEL. */
  byeHeaders(): SipHeaders;
}

/** The initial INVITE of ours, its provisional responses and its 2xx (RFC 3261 13.2). */
export class UacExchange {
  readonly #port: UacPort;
  /** Headers of the newest response of the peer that was no refusal. */
  said: SipHeaders = {};

  constructor(port: UacPort) {
    this.#port = port;
  }

  /** Makes the offer and sends the INVITE. */
  dial(dial: Dial): void {
    const port = this.#port;
    if (!port.move('dial')) return;
    port.initial.make((made) => {
      if (port.state() !== 'preparing') return;
      if (!made.ok) {
        port.move('abandon');
        port.notMade(made);
        return;
      }
      port.move('invite');
      port.send({ kind: 'invite', legId: port.legId, ...dial, sdp: made.sdp });
    });
  }

  provisional(event: Extract<SignallingEvent, { kind: 'provisional' }>, released: boolean): void {
    const port = this.#port;
    if (event.status === 100 || !port.move('provisional') || released) return;
    this.said = event.headers;
    port.initial.takeEarly(event.sdp, (inForce) => {
      if (port.state() === 'early') port.progress(event.status, inForce);
    });
  }

  accepted(event: Extract<SignallingEvent, { kind: 'accepted' }>): void {
    const port = this.#port;
    const late = port.state() === 'cancelling';
    if (!port.move('accepted')) return;
    this.said = event.headers;
    port.confirmed(event);
    if (late) {
      port.context.event('late_answer', { leg: port.legId });
      port.send({ kind: 'bye', legId: port.legId, headers: port.byeHeaders() });
      return;
    }
    const { sdp } = event;
    const ready = (taken: MediaResult): void => {
      if (port.state() !== 'established') return;
      if (taken.ok) port.answered();
      else port.failMedia(taken);
    };
    if (!event.wantsAck || sdp === null) {
      port.initial.takeAnswer(sdp, ready);
      return;
    }
    port.initial.answerInOurAck(sdp, (made) => {
      if (made.ok) port.send({ kind: 'ack', legId: port.legId, requestId: null, sdp: made.sdp });
      ready(made);
    });
  }
}
