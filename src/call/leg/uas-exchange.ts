import type { LegId, SignallingCommand } from '../signalling-port.js';
import type { SipHeaders } from '../vocabulary.js';
import type { InitialOffer } from './initial-offer.js';
import type { MediaResult } from './leg-media.js';
import type { LegState, LegTrigger } from './leg-state.js';

/** What the exchange needs of its leg. */
export interface UasPort {
  readonly legId: LegId;
  readonly initial: InitialOffer;
  state(): LegState;
  move(trigger: LegTrigger): boolean;
  send(command: SignallingCommand): void;
  failMedia(failure: Extract<MediaResult, { ok: false }>): void;
}

/** The initial INVITE of the peer and what we answer to it (RFC 3261 13.3). */
export class UasExchange {
  readonly #port: UasPort;
  #answerHeaders: SipHeaders | null = null;

  constructor(port: UasPort) {
    this.#port = port;
  }

  /** Prepares our side of the media; the answer goes out as soon as both it and `answer` were there. */
  take(sdp: string | null): void {
    this.#port.initial.take(sdp, (made) => {
      if (this.#port.state() !== 'offered') return;
      if (!made.ok) this.#port.failMedia(made);
      else if (this.#answerHeaders) this.#accept(this.#answerHeaders);
    });
  }

  /** 18x, with our SDP where early media flows (an offerless INVITE gets none). */
  ring(status: 180 | 183, withSdp: boolean, headers: SipHeaders): void {
    const { initial, legId } = this.#port;
    if (this.#port.state() !== 'offered') return;
    const sdp = withSdp ? initial.earlyAnswer : null;
    this.#port.send({ kind: 'provisional', legId, status, sdp, headers });
  }

  answer(headers: SipHeaders): void {
    if (this.#port.state() !== 'offered' || this.#answerHeaders) return;
    this.#answerHeaders = headers;
    if (this.#port.initial.localSdp !== null) this.#accept(headers);
  }

  #accept(headers: SipHeaders): void {
    const { initial, legId } = this.#port;
    if (!this.#port.move('accept')) return;
    this.#port.send({ kind: 'accept', legId, sdp: initial.localSdp!, headers });
  }
}
