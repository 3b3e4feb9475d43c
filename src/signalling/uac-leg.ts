import type { DialogName, LegId, SignallingCommand } from '../call/signalling-port.js';
import type { SipHeaders } from '../call/vocabulary.js';
import type { Timer } from '../common/clock.js';
import { acknowledge, DialogSession, SUPPORTED_OPTIONS } from './dialog-session.js';
import { firstValue, readAbilities, readHeaders, readNameAddress, sdpOf } from './header-reading.js';
import { writeFrom, writeHeaders } from './header-writing.js';
import {
  refuseWithoutDialog,
  type Command,
  type Credentials,
  type Leg,
  type LegContext,
} from './leg-context.js';
import { preloadedRoute, silenceParameter } from './preloaded-route.js';
import { sendReply } from './reply.js';
import { ackNamingSession, replyNamingSession } from './session-id.js';
import type {
  SrfAck,
  SrfFailure,
  SrfReply,
  SrfRequest,
  SrfResponse,
  SrfSendOptions,
  SrfSentRequest,
} from './srf-types.js';
import { byeEvent } from './uas-leg.js';

/**
 * `sending` (the server has not said its transaction yet) → `calling` → `cancelling`, or `answered` (a late offer
 * waits for its answer), or `confirmed` → `ending` → `gone`.
 */
export type UacState = 'sending' | 'calling' | 'cancelling' | 'answered' | 'confirmed' | 'ending' | 'gone';

/** After CANCEL the server owes a final response (64*T1, RFC 3261 9.1); this is the bound if it fails to. */
export const CANCEL_GUARD_MS = 36_000;

/**
 * A next hop that says nothing at all (no 100 either) for this long does not work: RFC 3261 17.2.1 wants the 100
 * within 200 ms, and four INVITEs have gone out by then.
 */
export const SILENT_HOP_MS = 4_000;

/** The leg of an INVITE of ours; the next hops are tried in order. */
export class UacLeg implements Leg {
  readonly legId: LegId;
  readonly callId: string;
  readonly #context: LegContext;
  readonly #command: Command<'invite'>;
  /** Called with the dialog id as soon as the server has chosen it: the call may come back to us in a loop. */
  readonly #named: (dialogId: string) => void;
  /** Route of the INVITE to the first next hop (RFC 3608). */
  readonly #serviceRoute: readonly string[];
  #state: UacState = 'sending';
  #hop = 0;
  #rang = false;
  #request: SrfSentRequest | null = null;
  #cancelHeaders: SipHeaders | null = null;
  #cancelGuard: Timer | null = null;
  #session: DialogSession | null = null;
  #lateOfferAck: SrfAck | null = null;
  #sipCallId: string | null = null;

  constructor(
    context: LegContext,
    callId: string,
    command: Command<'invite'>,
    named: (dialogId: string) => void,
    serviceRoute: readonly string[] = [],
  ) {
    this.#context = context;
    this.callId = callId;
    this.legId = command.legId;
    this.#command = command;
    this.#named = named;
    this.#serviceRoute = serviceRoute;
  }

  get state(): UacState {
    return this.#state;
  }

  get credentials(): Credentials | null {
    return this.#command.auth;
  }

  get sipCallId(): string | null {
    return this.#sipCallId;
  }

  get dialog(): DialogName | null {
    return this.#session?.name ?? null;
  }

  /** Sends the INVITE to the current next hop. */
  start(): void {
    this.#state = 'sending';
    const { uri, proxies, from, headers, sdp, auth } = this.#command;
    const options: SrfSendOptions = {
      method: 'INVITE',
      headers: {
        From: writeFrom(from.user, from.displayName),
        Supported: SUPPORTED_OPTIONS,
        ...writeHeaders(headers, sdp === null ? null : 'application/sdp'),
      },
    };
    if (sdp !== null) options.body = sdp;
    if (auth) options.credentials = auth;
    const preloaded = this.#hop === 0 ? preloadedRoute(this.#serviceRoute) : null;
    if (preloaded) options.headers['Route'] = preloaded.lines;
    const hop = preloaded?.nextHop ?? proxies[this.#hop] ?? uri;
    // The last hop has all the time that the call gives it.
    const silence = this.#hop + 1 < proxies.length ? silenceParameter(hop, SILENT_HOP_MS) : '';
    if (silence !== '') options.proxy = `${hop}${silence}`;
    else if (proxies.length > 0) options.proxy = hop;
    this.#context.link.request(uri, options, (failure, request) => {
      this.#onSent(failure, request);
    });
  }

  #onSent(failure: SrfFailure, request: SrfSentRequest | undefined): void {
    if (this.#state !== 'sending') return;
    if (failure || !request) {
      this.#context.log.debug({ legId: this.legId, failure }, 'INVITE was not sent');
      if (this.#cancelHeaders !== null) this.#rejected(487, 'Request Terminated', {});
      else if (!this.#tryNextHop()) this.#rejected(503, 'Request could not be sent', {});
      return;
    }
    this.#request = request;
    this.#state = 'calling';
    const sent = readHeaders(request.msg.raw);
    this.#sipCallId = firstValue(sent, 'call-id');
    const fromTag = readNameAddress(firstValue(sent, 'from'))?.tag;
    if (this.#sipCallId !== null && fromTag) this.#named(`${this.#sipCallId};from-tag=${fromTag}`);
    request.on('response', (response, ack) => {
      this.#onResponse(response, ackNamingSession(ack, this.#command.headers, response));
    });
    request.on('update', (update, reply) => {
      this.onRequest(update, reply);
    });
    if (this.#cancelHeaders !== null) this.#sendCancel(this.#cancelHeaders);
  }

  /** RFC 3263 4.3: another next hop only where this one did not work at all, and never once somebody rang. */
  #tryNextHop(): boolean {
    if (this.#rang || this.#hop + 1 >= this.#command.proxies.length) return false;
    this.#hop += 1;
    this.#dropEarlySession();
    this.start();
    return true;
  }

  #onResponse(response: SrfResponse, ack: SrfAck): void {
    if (this.#state !== 'calling' && this.#state !== 'cancelling') {
      if (response.status >= 200 && response.status < 300) acknowledge(this.#context, ack, null);
      return;
    }
    if (response.status < 200) this.#onProvisional(response, ack);
    else if (response.status < 300) this.#onSuccess(response, ack);
    else this.#onFailure(response);
  }

  #onProvisional(response: SrfResponse, ack: SrfAck): void {
    if (response.status === 100) return;
    const headers = readHeaders(response.msg.raw);
    if (headers['rseq'] !== undefined) acknowledge(this.#context, ack, null);
    if (response.stackDialogId) {
      // The early dialog has a name too: another phone may pick the call up by it (RFC 3891 early-only).
      const early = this.#session ?? this.#openSession(response.stackDialogId);
      early.confirm(this.#nameOf(headers));
    }
    if (this.#state !== 'calling') return;
    this.#rang = true;
    this.#context.emit({
      kind: 'provisional',
      legId: this.legId,
      status: response.status,
      reason: response.reason,
      sdp: sdpOf(headers, response.body),
      headers,
    });
  }

  #openSession(dialogId: string): DialogSession {
    this.#session = new DialogSession(this.#context, this.legId, dialogId, this.#command.auth);
    return this.#session;
  }

  #onSuccess(response: SrfResponse, ack: SrfAck): void {
    const cancelled = this.#state === 'cancelling';
    this.#stopGuard();
    const headers = readHeaders(response.msg.raw);
    const dialogId = response.stackDialogId;
    if (!dialogId) {
      acknowledge(this.#context, ack, null);
      this.#rejected(503, 'The SIP server named no dialog', {});
      return;
    }
    const session =
      this.#session?.dialogId === dialogId
        ? this.#session
        : (this.#dropEarlySession(), this.#openSession(dialogId));
    const sdp = sdpOf(headers, response.body);
    const name = this.#nameOf(headers);
    session.confirm(name);
    if (cancelled) {
      this.#endLateAnswer(session, ack);
      return;
    }
    const wantsAck = this.#command.sdp === null && sdp !== null;
    if (wantsAck) {
      this.#state = 'answered';
      this.#lateOfferAck = ack;
    } else {
      this.#state = 'confirmed';
      acknowledge(this.#context, ack, null);
    }
    this.#context.emit({
      kind: 'accepted',
      legId: this.legId,
      sdp,
      headers,
      dialog: name,
      peer: readAbilities(headers),
      wantsAck,
    });
  }

  /** Our CANCEL crossed the 2xx: RFC 3261 9.1 leaves an ACK and a BYE. */
  #endLateAnswer(session: DialogSession, ack: SrfAck): void {
    this.#state = 'ending';
    acknowledge(this.#context, ack, null);
    const headers = writeHeaders(this.#cancelHeaders ?? {});
    session.bye(headers, () => {
      this.#rejected(487, 'Request Terminated', {});
    });
  }

  #nameOf(headers: SipHeaders): DialogName {
    return {
      sipCallId: this.#sipCallId ?? firstValue(headers, 'call-id') ?? '',
      localTag: readNameAddress(firstValue(headers, 'from'))?.tag ?? '',
      remoteTag: readNameAddress(firstValue(headers, 'to'))?.tag ?? '',
      remoteTarget: readNameAddress(firstValue(headers, 'contact'))?.uri ?? this.#command.uri,
    };
  }

  #onFailure(response: SrfResponse): void {
    this.#stopGuard();
    const cancelled = this.#state === 'cancelling';
    const unreachable =
      response.status === 503 || (response.status === 408 && response.source_address === '');
    if (!cancelled && unreachable && this.#tryNextHop()) return;
    this.#rejected(response.status, response.reason, readHeaders(response.msg.raw));
  }

  #rejected(status: number, reason: string, headers: SipHeaders): void {
    if (this.#state === 'gone') return;
    this.#gone();
    this.#context.emit({ kind: 'rejected', legId: this.legId, status, reason, headers });
  }

  execute(command: SignallingCommand): void {
    switch (command.kind) {
      case 'cancel':
        this.#cancel(command.headers);
        return;
      case 'ack':
        this.#acknowledge(command);
        return;
      case 'bye':
        this.#bye(command.headers);
        return;
      case 'request':
        if (this.#session) this.#session.request(command);
        else refuseWithoutDialog(this.#context, this.legId, command.requestId);
        return;
      case 'respond':
        this.#session?.respond(command);
        return;
      case 'invite':
      case 'provisional':
      case 'accept':
      case 'reject':
      case 'claim':
      case 'notify':
        this.#context.log.warn(
          { legId: this.legId, command: command.kind },
          'not a command of an outgoing leg',
        );
        return;
    }
  }

  #cancel(headers: SipHeaders): void {
    if (this.#cancelHeaders !== null) return;
    if (this.#state === 'sending') this.#cancelHeaders = headers;
    else if (this.#state === 'calling') this.#sendCancel(headers);
    else if (this.#state === 'answered' || this.#state === 'confirmed') this.#bye(headers);
  }

  #sendCancel(headers: SipHeaders): void {
    this.#cancelHeaders = headers;
    this.#state = 'cancelling';
    this.#cancelGuard = this.#context.clock.after(CANCEL_GUARD_MS, () => {
      this.#rejected(408, 'Request Timeout', {});
    });
    try {
      this.#request?.cancel({ headers: writeHeaders(headers) }, (failure) => {
        if (failure) this.#context.log.debug({ legId: this.legId, failure }, 'CANCEL was not sent');
      });
    } catch (thrown) {
      this.#context.log.debug({ legId: this.legId, err: thrown }, 'CANCEL was not sent');
    }
  }

  #acknowledge(command: Command<'ack'>): void {
    if (command.requestId !== null) {
      this.#session?.acknowledge(command.requestId, command.sdp);
      return;
    }
    if (this.#state !== 'answered' || !this.#lateOfferAck) return;
    this.#state = 'confirmed';
    acknowledge(this.#context, this.#lateOfferAck, command.sdp);
    this.#lateOfferAck = null;
  }

  #bye(headers: SipHeaders): void {
    switch (this.#state) {
      case 'sending':
      case 'calling':
        this.#cancel(headers);
        return;
      case 'cancelling':
      case 'ending':
        return;
      case 'answered':
      case 'confirmed':
        if (this.#lateOfferAck) acknowledge(this.#context, this.#lateOfferAck, null);
        this.#lateOfferAck = null;
        this.#state = 'ending';
        this.#session?.bye(headers, () => {
          this.#onByeAnswered();
        });
        return;
      case 'gone':
        this.#context.emit({ kind: 'gone', legId: this.legId });
        return;
    }
  }

  #onByeAnswered(): void {
    if (this.#state !== 'ending') return;
    this.#gone();
    this.#context.emit({ kind: 'gone', legId: this.legId });
  }

  onRequest(request: SrfRequest, reply: SrfReply): void {
    if (request.method === 'BYE') {
      sendReply(reply, 200, null, { headers: replyNamingSession(request) });
      if (this.#state !== 'confirmed' && this.#state !== 'answered') return;
      this.#gone();
      this.#context.emit(byeEvent(this.legId, request));
      return;
    }
    if (this.#session) this.#session.received(request, reply);
    else if (request.method !== 'ACK') sendReply(reply, 481, null);
  }

  onLinkLost(): void {
    const state = this.#state;
    if (state === 'gone') {
      this.#session?.fail();
      return;
    }
    this.#stopGuard();
    this.#state = 'gone';
    const dialogId = this.#session?.dialogId;
    this.#session?.fail();
    if (!this.#session) this.#context.closed();
    if (dialogId !== undefined && (state === 'answered' || state === 'confirmed' || state === 'ending')) {
      this.#context.byeLater(dialogId);
    }
    if (state === 'ending') this.#context.emit({ kind: 'gone', legId: this.legId });
    else if (state === 'answered' || state === 'confirmed')
      this.#context.emit({
        kind: 'bye',
        legId: this.legId,
        headers: {},
        byStack: 'Connection to the SIP server lost',
      });
    else
      this.#context.emit({
        kind: 'rejected',
        legId: this.legId,
        status: 503,
        reason: 'Connection to the SIP server lost',
        headers: {},
      });
  }

  abandon(): void {
    this.#bye({ Reason: 'SIP;cause=500;text="Internal error"' });
  }

  #stopGuard(): void {
    this.#cancelGuard?.cancel();
    this.#cancelGuard = null;
  }

  /** An early dialog of a next hop that failed must not close the leg. */
  #dropEarlySession(): void {
    const early = this.#session;
    this.#session = null;
    if (early) this.#context.disown(early.dialogId);
  }

  #gone(): void {
    this.#stopGuard();
    this.#state = 'gone';
    this.#lateOfferAck = null;
    if (this.#session) this.#session.end();
    else this.#context.closed();
  }
}
