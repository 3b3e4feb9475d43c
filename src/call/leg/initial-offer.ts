import type { LegMedia, MediaResult } from './leg-media.js';

type Refusal = Extract<MediaResult, { ok: false }>;

function missing(code: string, detail: string): Refusal {
  return { ok: false, status: 488, code, detail };
}

/** The offer and the answer of the initial INVITE (RFC 3261 13, RFC 3264), on either side of it. */
export class InitialOffer {
  readonly #media: LegMedia;
  #localSdp: string | null = null;
  #earlySdp: string | null = null;
  #answerInAck = false;

  constructor(media: LegMedia) {
    this.#media = media;
  }

  /** What we offer or answer; null until the media is there. */
  get localSdp(): string | null {
    return this.#localSdp;
  }
  /** The INVITE had no offer: the answer to ours is awaited in the ACK. */
  get answerInAck(): boolean {
    return this.#answerInAck;
  }
  /** The SDP that a 18x of ours may carry: our answer, never an offer (RFC 3262 would have to carry that). */
  get earlyAnswer(): string | null {
    return this.#answerInAck ? null : this.#localSdp;
  }
  /** An answer came in a 18x and is in force. */
  get hasEarly(): boolean {
    return this.#earlySdp !== null;
  }

  /** UAC: makes the offer. */
  make(done: (made: MediaResult) => void): void {
    this.#media.makeOffer('sendrecv', (made) => {
      if (made.ok) this.#localSdp = made.sdp;
      done(made);
    });
  }

  /** UAS: answers the offer of the INVITE, or makes one where it has none. */
  take(sdp: string | null, done: (made: MediaResult) => void): void {
    if (sdp === null) {
      this.#answerInAck = true;
      this.make(done);
      return;
    }
    this.#media.makeAnswer(sdp, 'sendrecv', (made) => {
      if (made.ok) {
        this.#localSdp = made.sdp;
        this.#media.settle('sendrecv', made.direction);
      }
      done(made);
    });
  }

  /** UAC: an answer in a 18x. A bad one is not the end: the 2xx may bring a better one. */
  takeEarly(sdp: string | null, done: (inForce: boolean) => void): void {
    if (sdp === null || sdp === this.#earlySdp) {
      done(this.hasEarly);
      return;
    }
    this.#media.takeAnswer(sdp, (taken) => {
      if (taken.ok) this.#earlySdp = sdp;
      done(taken.ok);
    });
  }

  /** UAC: the answer in the 2xx; it may have come before. */
  takeAnswer(sdp: string | null, done: (taken: MediaResult) => void): void {
    if (sdp !== null && sdp !== this.#earlySdp) this.#media.takeAnswer(sdp, this.#settling(done));
    else if (this.hasEarly) this.#settling(done)({ ok: true, sdp: '', direction: this.#media.agreed });
    else done(missing('no_answer', 'the 2xx carried no SDP answer'));
  }

  /** UAC: the 2xx carried an offer; our answer goes into the ACK. */
  answerInOurAck(sdp: string, done: (made: MediaResult) => void): void {
    this.#media.makeAnswer(sdp, 'sendrecv', this.#settling(done));
  }

  /** UAS: the answer in the ACK. */
  takeAck(sdp: string | null, done: (taken: MediaResult) => void): void {
    if (sdp === null) {
      done(missing('no_answer_in_ack', 'the ACK carried no SDP answer'));
      return;
    }
    this.#media.takeAnswer(
      sdp,
      this.#settling((taken) => {
        if (taken.ok) this.#answerInAck = false;
        done(taken);
      }),
    );
  }

  #settling(done: (result: MediaResult) => void): (result: MediaResult) => void {
    return (result) => {
      if (result.ok) this.#media.settle('sendrecv', result.direction);
      done(result);
    };
  }
}
