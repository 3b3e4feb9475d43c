import type { CallContext } from '../call-context.js';
import { headerValue } from '../context/sip-headers.js';
import type { MediaDirection } from '../media-port.js';
import type { LegId } from '../signalling-port.js';
import type { SipHeaders } from '../vocabulary.js';
import type { LegMedia, MediaResult } from './leg-media.js';
import type { InDialogRequest, InDialogResponse } from './in-dialog.js';

/** How long an offer of the peer may wait for the other side before it is answered all the same. */
const ANSWER_WITHIN_MS = 4_000;
/** How long an ACK may be awaited before the next offer is let through; the stack ends the dialog on its own. */
const ACK_WITHIN_MS = 4_000;
const MAX_TRIES = 6;

/** What the negotiation needs of its leg. */
export interface NegotiationPort {
  readonly legId: string;
  /** RFC 3261 14.1: the owner of the Call-ID backs off longer. */
  ownsCallId(): boolean;
  /** The direction that we would like towards this peer now. */
  wish(): MediaDirection;
  request(method: 'INVITE', sdp: string, done: (response: InDialogResponse) => void): void;
  respond(requestId: string, status: number, headers: SipHeaders, sdp: string | null): void;
  /** The peer's new direction took effect; `done` lets the answer go out. */
  directionChanged(direction: MediaDirection, done: () => void): void;
  /** The dialog turned out to be gone (408 or 481 to our re-INVITE). */
  lost(status: number): void;
}

type Outgoing =
  | { readonly phase: 'making' | 'sent' | 'taking'; readonly offer: Offer; readonly tries: number }
  | { readonly phase: 'backing_off'; readonly offer: Offer; readonly tries: number };

/** What became of an offer of ours. `nothing_new`: it was not made, the peer knows all of it. */
export type OfferResult =
  | { readonly kind: 'agreed' | 'nothing_new' }
  /** `code`: why it could not be made or taken; else the peer's `status`. */
  | { readonly kind: 'failed'; readonly status: number | null; readonly code: string | null };

interface Offer {
  readonly direction: MediaDirection;
  /** The leg whose party is named in our place; null where we name ourselves. */
  readonly peerLegId: LegId | null;
  /** Looked at whenever it is about to go out. */
  readonly wanted: () => boolean;
  readonly done: (result: OfferResult) => void;
}

const UNSENT: OfferResult = { kind: 'failed', status: null, code: 'unsent' };

interface Incoming {
  readonly requestId: string;
  readonly method: 'INVITE' | 'UPDATE';
  readonly phase: 'making' | 'holding' | 'acking' | 'taking';
  readonly offerless: boolean;
  /** What we wished for when the offer came. */
  readonly wish: MediaDirection;
}

/** Offers and answers inside one dialog: one at a time, whoever makes them. */
export class Negotiation {
  readonly #context: CallContext;
  readonly #port: NegotiationPort;
  readonly #media: LegMedia;
  readonly #queue: Offer[] = [];
  #outgoing: Outgoing | null = null;
  #incoming: Incoming | null = null;
  #closed = false;

  constructor(context: CallContext, port: NegotiationPort, media: LegMedia) {
    this.#context = context;
    this.#port = port;
    this.#media = media;
  }

  /** Queues a re-INVITE of ours. `done(false)` where the peer refused it or the leg ended. */
  offer(direction: MediaDirection, done: (ok: boolean) => void): void {
    this.#push({
      direction,
      peerLegId: null,
      wanted: () => true,
      done: ({ kind }) => done(kind === 'agreed'),
    });
  }

  /** Queues a re-INVITE that names the party of another leg in our place. */
  offerDirect(peerLegId: LegId, wanted: () => boolean, done: (result: OfferResult) => void): void {
    this.#push({ direction: 'sendrecv', peerLegId, wanted, done });
  }

  /** No offer is under way or waits, of either side. */
  get idle(): boolean {
    return !this.#outgoing && !this.#incoming && this.#queue.length === 0;
  }
  /** An offer that names ourselves is under way or waits. */
  get naming(): boolean {
    const outgoing = this.#outgoing ? [this.#outgoing.offer] : [];
    return [...outgoing, ...this.#queue].some(({ peerLegId }) => peerLegId === null);
  }

  /** One that names another party likewise. */
  get directing(): boolean {
    const outgoing = this.#outgoing ? [this.#outgoing.offer] : [];
    return [...outgoing, ...this.#queue].some(({ peerLegId }) => peerLegId !== null);
  }

  #push(offer: Offer): void {
    if (this.#closed) {
      offer.done(UNSENT);
      return;
    }
    this.#queue.push(offer);
    this.#next();
  }

  /** A re-INVITE or UPDATE of the peer. */
  handleRequest(request: InDialogRequest): void {
    const method = request.method === 'UPDATE' ? 'UPDATE' : 'INVITE';
    if (method === 'UPDATE' && request.body === null) {
      this.#port.respond(request.requestId, 200, {}, null);
      return;
    }
    if (this.#incoming?.phase === 'acking' && !this.#incoming.offerless) this.#incomingDone();
    if (this.#incoming) {
      // RFC 3261 14.2, RFC 3311 5.2: a second offer before the first was answered.
      const seconds = Math.floor(this.#context.deps.random.fraction() * 10) + 1;
      this.#port.respond(request.requestId, 500, { 'Retry-After': String(seconds) }, null);
      return;
    }
    if (this.#outgoing && this.#outgoing.phase !== 'backing_off') {
      this.#port.respond(request.requestId, 491, {}, null);
      return;
    }
    const { requestId } = request;
    const offerless = request.body === null;
    const wish = this.#port.wish();
    this.#incoming = { requestId, method, phase: 'making', offerless, wish };
    if (request.body === null) {
      this.#media.makeOffer(wish, (made) => {
        if (!made.ok) this.#refuse(made.status);
        else this.#respond(made.sdp);
      });
      return;
    }
    this.#media.makeAnswer(request.body, wish, (made) => {
      if (!made.ok) this.#refuse(made.status);
      else this.#answered(made.sdp, made.direction);
    });
  }

  /** The ACK of a re-INVITE; it carries the answer where our 2xx carried the offer. */
  handleAck(requestId: string, sdp: string | null): void {
    const incoming = this.#incoming;
    if (incoming?.requestId !== requestId || incoming.phase !== 'acking') return;
    this.#context.timers.stop(this.#timer('ack'));
    if (!incoming.offerless || sdp === null) {
      this.#incomingDone();
      return;
    }
    this.#incoming = { ...incoming, phase: 'taking' };
    this.#media.takeAnswer(sdp, (taken) => {
      this.#incomingDone();
      if (taken.ok) this.#apply(incoming.wish, taken.direction, () => undefined);
    });
  }

  /** The leg ended: nothing more is sent, whoever waits is told. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const name of ['ack', 'answer', 'glare']) this.#context.timers.stop(this.#timer(name));
    const waiting = [...(this.#outgoing ? [this.#outgoing.offer] : []), ...this.#queue];
    this.#outgoing = null;
    this.#incoming = null;
    this.#queue.length = 0;
    for (const offer of waiting) offer.done(UNSENT);
  }

  dump(): object {
    return {
      outgoing: this.#outgoing?.phase ?? null,
      incoming: this.#incoming?.phase ?? null,
      queued: this.#queue.length,
    };
  }

  #answered(sdp: string, direction: MediaDirection): void {
    const incoming = this.#incoming!;
    if (direction === this.#media.agreed) {
      this.#respond(sdp);
      return;
    }
    this.#incoming = { ...incoming, phase: 'holding' };
    const release = (): void => {
      const now = this.#incoming;
      if (now?.requestId !== incoming.requestId || now.phase !== 'holding') return;
      this.#context.timers.stop(this.#timer('answer'));
      this.#respond(sdp);
    };
    this.#context.timers.start(this.#timer('answer'), ANSWER_WITHIN_MS, release);
    this.#apply(incoming.wish, direction, release);
  }

  #apply(wish: MediaDirection, direction: MediaDirection, done: () => void): void {
    if (direction === this.#media.agreed) {
      done();
      return;
    }
    this.#media.settle(wish, direction);
    this.#port.directionChanged(direction, done);
  }

  #respond(sdp: string): void {
    const incoming = this.#incoming!;
    this.#port.respond(incoming.requestId, 200, {}, sdp);
    if (incoming.method === 'UPDATE') {
      this.#incomingDone();
      return;
    }
    this.#incoming = { ...incoming, phase: 'acking' };
    this.#context.timers.start(this.#timer('ack'), ACK_WITHIN_MS, () => this.#incomingDone());
  }

  #refuse(status: number): void {
    this.#port.respond(this.#incoming!.requestId, status, {}, null);
    this.#incomingDone();
  }

  #incomingDone(): void {
    this.#context.timers.stop(this.#timer('ack'));
    this.#incoming = null;
    this.#next();
  }

  #next(): void {
    if (this.#outgoing || this.#incoming || this.#closed) return;
    const offer = this.#queue.shift();
    if (offer) this.#send(offer, 1);
  }

  #send(offer: Offer, tries: number): void {
    if (!offer.wanted()) {
      this.#finish(offer, UNSENT);
      return;
    }
    this.#outgoing = { phase: 'making', offer, tries };
    const take = (made: MediaResult): void => {
      if (!made.ok) {
        this.#finish(offer, { kind: 'failed', status: null, code: made.code });
        return;
      }
      if (made.sdp === '') {
        this.#finish(offer, { kind: 'nothing_new' });
        return;
      }
      this.#outgoing = { phase: 'sent', offer, tries };
      this.#port.request('INVITE', made.sdp, (response) => this.#replied(offer, tries, response));
    };
    if (offer.peerLegId === null) this.#media.makeOffer(offer.direction, take);
    else this.#media.makeDirectOffer(offer.peerLegId, take);
  }

  #replied(offer: Offer, tries: number, response: InDialogResponse): void {
    if (this.#closed) return;
    const { status } = response;
    if (status >= 200 && status < 300) {
      this.#outgoing = { phase: 'taking', offer, tries };
      if (response.body === null) {
        this.#finish(offer, { kind: 'failed', status, code: 'no_answer' });
        return;
      }
      this.#media.takeAnswer(response.body, (taken) => {
        if (taken.ok) this.#media.settle(offer.direction, taken.direction);
        this.#finish(offer, taken.ok ? { kind: 'agreed' } : { kind: 'failed', status, code: taken.code });
      });
      return;
    }
    const waitMs = this.#retryAfterMs(response, tries);
    if (waitMs !== null) {
      this.#outgoing = { phase: 'backing_off', offer, tries };
      this.#context.timers.start(this.#timer('glare'), waitMs, () => this.#retry(offer, tries + 1));
      return;
    }
    this.#finish(offer, { kind: 'failed', status, code: null });
    if (status === 481 || status === 408) this.#port.lost(status);
  }

  /** RFC 3261 14.1: 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other, in steps of 10 ms. */
  #retryAfterMs(response: InDialogResponse, tries: number): number | null {
    if (tries >= MAX_TRIES) return null;
    if (response.status === 491) {
      const steps = this.#context.deps.random.fraction();
      return this.#port.ownsCallId() ? 2_100 + Math.floor(steps * 191) * 10 : Math.floor(steps * 201) * 10;
    }
    const seconds = Number.parseInt(headerValue(response.headers, 'retry-after') ?? '', 10);
    const retriable = response.status === 500 || response.status === 503;
    return retriable && seconds >= 0 && seconds <= 10 ? seconds * 1_000 : null;
  }

  #retry(offer: Offer, tries: number): void {
    if (this.#incoming) {
      // The peer was faster: its offer is settled first, ours goes to the head of the queue.
      this.#outgoing = null;
      this.#queue.unshift(offer);
      return;
    }
    this.#send(offer, tries);
  }

  #finish(offer: Offer, result: OfferResult): void {
    this.#outgoing = null;
    offer.done(result);
    this.#next();
  }

  #timer(name: string): string {
    return `${name}.${this.#port.legId}`;
  }
}
