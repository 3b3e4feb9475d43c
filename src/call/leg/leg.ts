import type { CallContext } from '../call-context.js';
import type { LegView } from '../call-record.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { MediaDirection, MediaEvent } from '../media-port.js';
import type {
  DialogName,
  InDialogMethod,
  LegId,
  PeerAbilities,
  SignallingCommand,
  SignallingEvent,
} from '../signalling-port.js';
import type { Party, SipHeaders } from '../vocabulary.js';
import { InitialOffer } from './initial-offer.js';
import { LegMedia, type MediaProfile, type MediaResult } from './leg-media.js';
import type { Dial, LegIdentity, Release } from './leg-orders.js';
import type { LegOwnerOf } from './leg-owner.js';
import { LegRequests, type RequestContent } from './leg-requests.js';
import type { InDialogResponse } from './in-dialog.js';
import { nextLegState, type LegState, type LegTrigger } from './leg-state.js';
import { withSessionId } from './session-header.js';
import { OwnBye } from './own-bye.js';
import { PeerRequests } from './peer-requests.js';
import { UasExchange } from './uas-exchange.js';
import { UacExchange } from './uac-exchange.js';
import { Negotiation, type OfferResult } from './negotiation.js';
import { negotiationPort } from './negotiation-port.js';
import { LegMediaEvents } from './leg-media-events.js';
import { InfoDigits } from './info-digits.js';

export type LegOwner = LegOwnerOf<Leg>;

/** One dialog and one media endpoint. */
export class Leg {
  readonly legId: LegId;
  readonly party: Party;
  readonly media: LegMedia;
  readonly profile: MediaProfile;
  readonly #context: CallContext;
  readonly #remote: string;
  readonly #onGone: (leg: Leg) => void;
  readonly #negotiation: Negotiation;
  readonly #requests: LegRequests;
  readonly #infoDigits = new InfoDigits((...request) => this.request(...request));
  readonly #mediaEvents: LegMediaEvents;
  readonly #initial: InitialOffer;
  readonly #uac: UacExchange;
  readonly #uasExchange: UasExchange;
  readonly #bye: OwnBye;
  readonly #peerRequests: PeerRequests;
  #owner: LegOwner;
  #state: LegState = 'new';
  #uas = false;
  #released = false;
  #confirmed = false;
  #answered = false;
  #dialog: DialogName | null = null;
  #peer: PeerAbilities | null = null;
  #sipCallId: string | null = null;
  #wish: () => MediaDirection = () => 'sendrecv';

  constructor(context: CallContext, identity: LegIdentity, owner: LegOwner, onGone: (leg: Leg) => void) {
    this.#context = context;
    this.legId = identity.legId;
    this.party = identity.party;
    this.#remote = identity.remote;
    this.#owner = owner;
    this.#onGone = onGone;
    this.media = new LegMedia(context, this.legId, this.party, identity.profile, identity.exchanged);
    this.profile = identity.profile;
    this.#initial = new InitialOffer(this.media);
    this.#requests = new LegRequests((command) => this.#send(command), context, this.legId);
    const negotiation = negotiationPort(this, {
      ownsCallId: () => !this.#uas,
      wish: () => this.#wish(),
      directionChanged: (direction, done) => this.#directionChanged(direction, done),
      lost: (status) => this.#lost(status),
    });
    this.#negotiation = new Negotiation(context, negotiation, this.media);
    this.#mediaEvents = new LegMediaEvents(context, {
      legId: this.legId,
      party: this.party,
      media: this.media,
      up: () => this.up,
      released: () => this.#released,
      away: () => this.media.resting && !this.#negotiation.naming,
      offer: (done) => this.offer(this.#wish(), done),
      switchCodec: () => this.#switchCodec(),
      sendDigits: (digits) => this.#infoDigits.send(digits),
      digit: (digit, via) => this.#owner.legDigit(this, digit, via),
      silent: (silentMs) => this.#owner.legSilent(this, silentMs),
      played: (promptId) => this.#owner.legPlayed(this, promptId),
      lost: (detail) => this.#end(detail, reasonHeader(500, 'Media lost')),
      closed: () => onGone(this),
    });
    const exchange = {
      legId: this.legId,
      initial: this.#initial,
      state: () => this.#state,
      move: (trigger: LegTrigger) => this.#move(trigger),
      send: (command: SignallingCommand) => this.#send(command),
      failMedia: (failure: Extract<MediaResult, { ok: false }>) => this.#failMedia(failure),
    };
    this.#uasExchange = new UasExchange(exchange);
    this.#bye = new OwnBye({ ...exchange, context });
    this.#peerRequests = new PeerRequests({
      state: () => this.#state,
      respond: (requestId, status, headers) =>
        this.respond(requestId, status, headers === undefined ? {} : { headers }),
      negotiate: (request) => this.#negotiation.handleRequest(request),
      tell: (request) => this.#owner.legRequest(this, request),
      digitOf: (request) => this.#infoDigits.read(request),
      digit: (digit) => this.#mediaEvents.digit(digit, 'info'),
    });
    this.#uac = new UacExchange({
      ...exchange,
      context,
      notMade: ({ status, detail }) => this.#fail(status, detail, {}, 'media'),
      progress: (status, earlyMedia) => this.#owner.legProgress(this, status, earlyMedia),
      confirmed: (event) => {
        this.#confirmed = true;
        this.#dialog = event.dialog;
        this.#peer = event.peer;
      },
      answered: () => this.#reportAnswered(),
      byeHeaders: () => this.#bye.headers,
    });
  }

  get state(): LegState {
    return this.#state;
  }
  /** Answered, agreed, and neither side has ended it. */
  get up(): boolean {
    return this.#answered && this.#state === 'established';
  }
  get gone(): boolean {
    return this.#state === 'gone';
  }
  /** Nothing is awaited from the signalling side. */
  get idle(): boolean {
    return this.#state === 'new' || this.#state === 'gone';
  }
  /** Not answered yet, by either side. */
  get pending(): boolean {
    return ['offered', 'preparing', 'inviting', 'early'].includes(this.#state);
  }
  get dialog(): DialogName | null {
    return this.#dialog;
  }
  get peer(): PeerAbilities | null {
    return this.#peer;
  }
  /** Headers of the 18x or 2xx that the peer answered our INVITE with last. */
  get said(): SipHeaders {
    return this.#uac.said;
  }
  /** The peer does not want to hear us though we would speak (RFC 3264 8.4): it is holding. */
  get holding(): boolean {
    return this.media.holding;
  }

  /** Hands the reports to another owner (from a transfer attempt to the call); the former one is returned. */
  adopt(owner: LegOwner): LegOwner {
    const former = this.#owner;
    this.#owner = owner;
    return former;
  }
  /** What direction we would like towards this peer when it makes an offer. */
  wishDirection(wish: () => MediaDirection): void {
    this.#wish = wish;
  }

  /** UAS: takes the INVITE and prepares our side of the media. */
  takeIncoming(sipCallId: string, sdp: string | null, peer: PeerAbilities): void {
    if (!this.#move('incoming')) return;
    this.#uas = true;
    this.#sipCallId = sipCallId;
    this.#peer = peer;
    this.#uasExchange.take(sdp);
  }

  /** UAS: takes an INVITE that is going to be refused: no media is made. */
  takeIncomingRefused(): void {
    this.#move('incoming');
  }

  /** UAS: 18x, with our SDP where early media flows. */
  ring(status: 180 | 183, withSdp: boolean, headers: SipHeaders = {}): void {
    this.#uasExchange.ring(status, withSdp, headers);
  }

  /** UAS: answers as soon as our SDP is there. */
  answer(headers: SipHeaders): void {
    this.#uasExchange.answer(headers);
  }

  /** UAC: makes the offer and sends the INVITE. */
  dial(dial: Dial): void {
    this.#uac.dial(dial);
  }

  /** Queues a re-INVITE of ours. */
  offer(direction: MediaDirection, done: (ok: boolean) => void): void {
    if (!this.up) done(false);
    else this.#negotiation.offer(direction, done);
  }

  /** Queues a re-INVITE that names the party of `peer` in our place; `wanted` is asked when it is about to go out. */
  offerDirect(peer: Leg, wanted: () => boolean, done: (result: OfferResult) => void): void {
    this.#negotiation.offerDirect(peer.legId, wanted, done);
  }
  /** The offers that are open. */
  get offers(): Pick<Negotiation, 'idle' | 'naming' | 'directing'> {
    return this.#negotiation;
  }

  /** Sends a request inside the dialog. `done` always comes, with 481 where the leg ends first. */
  request(method: InDialogMethod, content: RequestContent, done: (response: InDialogResponse) => void): void {
    if (this.#state === 'established') this.#requests.send(method, content, done);
    else this.#requests.refuse(done);
  }

  respond(
    requestId: string,
    status: number,
    more: Partial<InDialogResponse> = {},
    contentType?: string,
  ): void {
    this.#requests.respond(requestId, status, more, contentType);
  }

  /** Ends the leg by whatever its state calls for. Idempotent; the owner hears no more of it. */
  release(how: Release = {}): void {
    if (this.#released) return;
    this.#released = true;
    const { status = 480, reason = null, headers = {} } = how;
    const { legId } = this;
    this.#bye.willSay(headers);
    switch (this.#state) {
      case 'offered':
        this.#move('reject');
        this.#send({ kind: 'reject', legId, status, reason, headers });
        this.#vanish();
        return;
      case 'preparing':
        this.#move('abandon');
        this.#vanish();
        return;
      case 'inviting':
      case 'early':
        this.#move('cancel');
        this.#send({ kind: 'cancel', legId, headers });
        break;
      case 'established':
      case 'answering':
        this.#bye.send(this.#uas && !this.#confirmed);
        break;
      default:
        break;
    }
    this.#shut();
  }

  /** The far side of the port is silent for good: nothing more is awaited. */
  forget(): void {
    this.#released = true;
    this.#state = 'gone';
    this.#shut();
    this.media.forget();
  }

  /** Takes an event of the signalling port. */
  handle(event: SignallingEvent): void {
    if ('headers' in event) this.#context.sessionIds.learn(this.legId, this.party, event.headers);
    switch (event.kind) {
      case 'cancelled':
        if (this.#move('cancelled')) this.#fail(487, 'Request Terminated', {}, 'cancelled');
        return;
      case 'established':
        if (!this.#move('established')) return;
        this.#dialog = event.dialog;
        this.#reportAnswered();
        return;
      case 'acked':
        this.#acked(event.requestId, event.sdp);
        return;
      case 'provisional':
        this.#uac.provisional(event, this.#released);
        return;
      case 'accepted':
        this.#uac.accepted(event);
        return;
      case 'rejected':
        if (this.#move('rejected')) this.#fail(event.status, event.reason, event.headers, 'peer');
        return;
      case 'response':
        this.#response(event);
        return;
      case 'request':
        this.#peerRequests.take(event);
        return;
      case 'bye':
        this.#ended(event.byStack === null ? 'bye' : 'stack', event.headers, event.byStack ?? 'BYE');
        return;
      case 'gone':
        // Where the peer's BYE crossed ours the leg is gone already.
        if (this.#state !== 'gone' && this.#move('gone')) this.#vanish();
        return;
      case 'incoming':
      case 'incomingReplaces':
      case 'claimed':
        this.#context.impossible('second INVITE on a leg', { leg: this.legId });
        return;
    }
  }

  /** Takes an event of the media port. */
  handleMedia(event: MediaEvent): void {
    this.#mediaEvents.take(event);
  }

  view(): LegView {
    const { legId, party } = this;
    const sipCallId = this.#sipCallId ?? this.#dialog?.sipCallId ?? null;
    return { legId, party, state: this.#state, sipCallId, remote: this.#remote, onHold: this.holding };
  }

  dump(): object {
    const { state: media, agreed: direction } = this.media;
    return { ...this.view(), media, direction, negotiation: this.#negotiation.dump() };
  }

  #acked(requestId: string | null, sdp: string | null): void {
    if (requestId !== null) {
      this.#negotiation.handleAck(requestId, sdp);
      return;
    }
    if (this.#confirmed) return;
    this.#confirmed = true;
    if (this.#state === 'hanging') {
      this.#bye.sendNow();
      return;
    }
    if (!this.#initial.answerInAck || this.gone) return;
    this.#initial.takeAck(sdp, (taken) => {
      if (taken.ok) this.#reportAnswered();
      else this.#failMedia(taken);
    });
  }

  #reportAnswered(): void {
    if (this.#answered || this.#released || (this.#uas && this.#initial.answerInAck)) return;
    this.#answered = true;
    this.#owner.legAnswered(this);
    this.#switchCodec();
    this.#mediaEvents.answered();
  }

  /** Who hears this peer cannot take its codec: offers it those that both have. */
  #switchCodec(): void {
    if (this.up && this.media.takeSwitch()) this.offer(this.#wish(), () => undefined);
  }

  #response(event: Extract<SignallingEvent, { kind: 'response' }>): void {
    const told = this.#requests.answered(event);
    if (told === 'unknown' && !this.gone) {
      this.#context.impossible('response that nobody awaits', { leg: this.legId });
    } else if (told === 'dialog gone') {
      this.#lost(event.status);
    }
  }

  #ended(how: 'bye' | 'stack', headers: SipHeaders, detail: string): void {
    const telling = !this.#released;
    const { state: before, legId } = this;
    if (!this.#move('byeReceived')) return;
    if (before === 'offered') {
      this.#send({ kind: 'reject', legId, status: 487, reason: null, headers: {} });
    }
    if (before === 'offered' || before === 'inviting' || before === 'early') {
      this.#fail(487, 'BYE before the answer', headers, before === 'offered' ? 'cancelled' : 'peer');
      return;
    }
    this.#vanish();
    if (telling) this.#owner.legEnded(this, { how, headers, detail });
    this.#released = true;
  }

  #lost(status: number): void {
    if (this.#released || this.gone) return;
    this.#end(`the peer answered ${status} inside the dialog`, {});
  }

  /** Ended by us for want of the far end. */
  #end(detail: string, headers: SipHeaders): void {
    this.release({ headers });
    this.#owner.legEnded(this, { how: 'lost', headers: {}, detail });
  }

  #failMedia(result: Extract<MediaResult, { ok: false }>): void {
    const { status, detail } = result;
    const headers = reasonHeader(status, detail.slice(0, 80));
    const before = this.#released;
    this.release({ status, headers });
    if (!before) this.#owner.legFailed(this, { status, reason: detail, headers: {}, cause: 'media' });
  }

  #fail(status: number, reason: string, headers: SipHeaders, cause: 'peer' | 'media' | 'cancelled'): void {
    const telling = !this.#released;
    this.#released = true;
    this.#vanish();
    if (telling) this.#owner.legFailed(this, { status, reason, headers, cause });
  }

  /** The dialog is no more. */
  #vanish(): void {
    this.#bye.stop();
    this.#shut();
    this.#onGone(this);
  }

  #shut(): void {
    this.#negotiation.close();
    this.#mediaEvents.close();
    this.media.close();
    this.#requests.close();
  }

  #move(trigger: LegTrigger): boolean {
    const next = nextLegState(this.#state, trigger);
    if (next === null) {
      this.#context.impossible('leg', { leg: this.legId, state: this.#state, trigger });
      return false;
    }
    this.#state = next;
    return true;
  }

  #send(command: SignallingCommand): void {
    this.#context.signalling(withSessionId(command, this.#context.sessionIds, this.party));
  }

  #directionChanged(direction: MediaDirection, done: () => void): void {
    if (this.#released) done();
    else this.#owner.legDirection(this, direction, done);
  }
}
