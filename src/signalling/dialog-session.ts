import type { DialogName, InDialogMethod, LegId } from '../call/signalling-port.js';
import type { SipHeaders } from '../call/vocabulary.js';
import type { Timer } from '../common/clock.js';
import { contentTypeOf, cseqOf, firstValue, readHeaders, sdpOf } from './header-reading.js';
import { writeHeaders } from './header-writing.js';
import { answerLocally, type Command, type Credentials, type LegContext } from './leg-context.js';
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

/** Methods that the call machine answers. The others are answered here. */
const FOR_THE_CALL: ReadonlySet<string> = new Set<InDialogMethod>([
  'INVITE',
  'UPDATE',
  'INFO',
  'REFER',
  'NOTIFY',
  'MESSAGE',
  'OPTIONS',
]);

/** Every method that a dialog of ours takes. */
export const ALLOWED_METHODS =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY, MESSAGE, PRACK';

/** The extensions that we say we understand where a dialog is made (RFC 3891 5, 4488 4, 4538 3). */
export const SUPPORTED_OPTIONS = 'replaces, norefersub, tdialog';

/** How long a dialog whose subscription has not ended stays known after its BYE, for the NOTIFY that races it. */
export const LATE_NOTIFY_MS = 5000;

/** `open` → `ending` (our BYE is under way) → `lingering` (only a late NOTIFY is awaited) → `over`. */
export type SessionState = 'open' | 'ending' | 'lingering' | 'over';

interface Unanswered {
  readonly method: string;
  readonly reply: SrfReply;
  readonly cseq: number | null;
}

/**
 * What happens inside one dialog after it has got a name: requests in both directions, the ACKs of re-INVITEs,
 * the BYE. Each request of ours ends in exactly one `response`; each of theirs is answered, here if need be.
 */
export class DialogSession {
  readonly dialogId: string;
  readonly #context: LegContext;
  readonly #legId: LegId;
  readonly #credentials: Credentials | null;
  #state: SessionState = 'open';
  #name: DialogName | null = null;
  #incoming = 0;
  readonly #unanswered = new Map<string, Unanswered>();
  /** re-INVITEs of the peer that got our 2xx: CSeq number → requestId. */
  readonly #unacked = new Map<number, string>();
  /** Offers of the peer in a 2xx that wait for our answer: requestId → ACK. */
  readonly #awaitingAck = new Map<string, SrfAck>();
  readonly #sent = new Set<string>();
  /** REFERs of ours whose subscription has not ended. */
  #subscriptions = 0;
  #linger: Timer | null = null;

  constructor(context: LegContext, legId: LegId, dialogId: string, credentials: Credentials | null) {
    this.#context = context;
    this.#legId = legId;
    this.dialogId = dialogId;
    this.#credentials = credentials;
    context.own(dialogId);
  }

  get state(): SessionState {
    return this.#state;
  }

  get name(): DialogName | null {
    return this.#name;
  }

  /** The dialog is confirmed and has its full name. */
  confirm(name: DialogName): void {
    this.#name = name;
  }

  /** Sends a request in the dialog; ends in one `response`. */
  request(command: Command<'request'>): void {
    const { requestId, method, body } = command;
    if (this.#state !== 'open') {
      this.#respond(requestId, 481, 'Call/Transaction Does Not Exist');
      return;
    }
    this.#sent.add(requestId);
    if (method === 'REFER') this.#subscriptions += 1;
    const options = this.#options(method, command.headers, command.contentType ?? null, body, command.auth);
    this.#context.link.request(this.#target, options, (failure, sent) => {
      if (failure || !sent) {
        if (method === 'REFER') this.#subscriptions -= 1;
        this.#failed(requestId, failure);
        return;
      }
      sent.on('response', (response, ack) => {
        this.#onResponse(command, response, ackNamingSession(ack, command.headers, response));
      });
      this.#listenForUpdate(sent);
    });
  }

  /** drachtio-srf hands an UPDATE that crosses a request of ours to that request. */
  #listenForUpdate(sent: SrfSentRequest): void {
    sent.on('update', (request, reply) => {
      this.received(request, reply);
    });
  }

  #options(
    method: string,
    headers: SipHeaders,
    contentType: string | null,
    body: string | null,
    auth: Credentials | null,
  ): SrfSendOptions {
    const type =
      body === null ? null : (contentType ?? (method === 'INVITE' ? 'application/sdp' : 'text/plain'));
    const options: SrfSendOptions = {
      method,
      headers: writeHeaders(headers, type),
      stackDialogId: this.dialogId,
    };
    if (body !== null) options.body = body;
    const credentials = auth ?? this.#credentials;
    if (credentials) options.credentials = credentials;
    return options;
  }

  /** The peer's Contact: the digest of a challenged request covers the URI, so it must be the real one. */
  get #target(): string {
    return this.#name?.remoteTarget ?? 'sip:placeholder';
  }

  #onResponse(command: Command<'request'>, response: SrfResponse, ack: SrfAck): void {
    const { requestId, method } = command;
    const headers = readHeaders(response.msg.raw);
    if (response.status < 200) {
      if (response.status > 100 && headers['rseq'] !== undefined) ack();
      return;
    }
    if (method === 'REFER' && (response.status >= 300 || isNoSubscription(headers))) {
      this.#subscriptions = Math.max(0, this.#subscriptions - 1);
    }
    let wantsAck = false;
    if (method === 'INVITE' && response.status < 300) {
      wantsAck = command.body === null && sdpOf(headers, response.body) !== null;
      if (wantsAck && this.#state === 'open') this.#awaitingAck.set(requestId, ack);
      else this.#ack(ack, null);
    }
    if (!this.#sent.delete(requestId)) return;
    this.#context.emit({
      kind: 'response',
      legId: this.#legId,
      requestId,
      status: response.status,
      reason: response.reason,
      headers,
      body: emptyToNull(response.body),
      wantsAck,
    });
  }

  #failed(requestId: string, failure: SrfFailure): void {
    if (!this.#sent.delete(requestId)) return;
    if (isUnknownDialog(failure)) this.#respond(requestId, 481, 'Call/Transaction Does Not Exist');
    else this.#respond(requestId, 503, 'Request could not be sent');
  }

  #respond(requestId: string, status: number, reason: string): void {
    answerLocally(this.#context, this.#legId, requestId, status, reason);
  }

  /** The answer to an offer that came in the 2xx to a re-INVITE of ours. */
  acknowledge(requestId: string, sdp: string): void {
    const ack = this.#awaitingAck.get(requestId);
    if (!ack) return;
    this.#awaitingAck.delete(requestId);
    this.#ack(ack, sdp);
  }

  #ack(ack: SrfAck, sdp: string | null): void {
    acknowledge(this.#context, ack, sdp);
  }

  /** Answers a request of the peer; one that was answered or given up already is passed over. */
  respond(command: Command<'respond'>): void {
    const { requestId, status } = command;
    const pending = this.#unanswered.get(requestId);
    if (!pending) return;
    if (status >= 200) this.#unanswered.delete(requestId);
    if (pending.method === 'INVITE' && status >= 200 && status < 300 && pending.cseq !== null) {
      this.#unacked.set(pending.cseq, requestId);
    }
    const contentType =
      command.contentType ??
      (pending.method === 'INVITE' || pending.method === 'UPDATE' ? 'application/sdp' : null);
    sendReply(pending.reply, status, command.reason, {
      headers: command.headers,
      body: command.body,
      contentType,
    });
    this.#closeAfterLastNotify();
  }

  /** The last NOTIFY that could follow the BYE has been answered: there is nothing to linger for. */
  #closeAfterLastNotify(): void {
    if (this.#state === 'lingering' && this.#subscriptions === 0 && this.#unanswered.size === 0) this.close();
  }

  /** A request of the peer in this dialog, any but the ACK of the initial INVITE. */
  received(request: SrfRequest, reply: SrfReply): void {
    const { method } = request;
    if (method === 'ACK') {
      this.#onAck(request);
      return;
    }
    if (method === 'PRACK') {
      sendReply(reply, 200, null, { headers: replyNamingSession(request) });
      return;
    }
    if (this.#state === 'over' || (this.#state === 'lingering' && method !== 'NOTIFY')) {
      sendReply(reply, 481, null);
      return;
    }
    if (!FOR_THE_CALL.has(method)) {
      if (method === 'SUBSCRIBE') sendReply(reply, 489, null, { headers: { 'Allow-Events': 'refer' } });
      else if (method === 'PUBLISH' || method === 'REGISTER')
        sendReply(reply, 405, null, { headers: { Allow: ALLOWED_METHODS } });
      else sendReply(reply, 501, null);
      return;
    }
    this.#deliver(request, reply, method as InDialogMethod);
  }

  #deliver(request: SrfRequest, reply: SrfReply, method: InDialogMethod): void {
    const headers = readHeaders(request.msg.raw);
    const requestId = `${this.#legId}<${++this.#incoming}`;
    const cseq = cseqOf(headers);
    this.#unanswered.set(requestId, { method, reply, cseq });
    if (method === 'INVITE') {
      request.on('cancel', () => {
        this.#onReinviteCancelled(requestId);
      });
    }
    if (method === 'NOTIFY' && endsSubscription(headers)) {
      this.#subscriptions = Math.max(0, this.#subscriptions - 1);
    }
    const taken = this.#context.emit({
      kind: 'request',
      legId: this.#legId,
      requestId,
      method,
      headers,
      body: emptyToNull(request.body),
      contentType: contentTypeOf(headers),
    });
    if (taken) return;
    this.#unanswered.delete(requestId);
    sendReply(reply, method === 'NOTIFY' ? 200 : 481, null);
    this.#closeAfterLastNotify();
  }

  #onAck(ack: SrfRequest): void {
    const headers = readHeaders(ack.msg.raw);
    const cseq = cseqOf(headers);
    const requestId = cseq === null ? undefined : this.#unacked.get(cseq);
    if (cseq === null || requestId === undefined) return;
    this.#unacked.delete(cseq);
    this.#context.emit({ kind: 'acked', legId: this.#legId, requestId, sdp: sdpOf(headers, ack.body) });
  }

  /** The server has answered 487 already; our late answer goes nowhere, so the exchange is closed here. */
  #onReinviteCancelled(requestId: string): void {
    if (this.#unanswered.delete(requestId)) {
      this.#context.emit({ kind: 'acked', legId: this.#legId, requestId, sdp: null });
    }
  }

  /** Sends BYE; `done` is called once when the leg is gone for good, whatever the answer. */
  bye(headers: SipHeaders, done: () => void): void {
    if (this.#state !== 'open') {
      done();
      return;
    }
    this.#state = 'ending';
    this.#answerAll();
    for (const ack of this.#awaitingAck.values()) this.#ack(ack, null);
    this.#awaitingAck.clear();
    const options = this.#options('BYE', headers, null, null, null);
    this.#context.link.request(this.#target, options, (failure, sent) => {
      if (failure || !sent) {
        this.#context.log.debug({ dialogId: this.dialogId, failure }, 'BYE was not sent');
        done();
        return;
      }
      sent.on('response', (response) => {
        if (response.status >= 200) done();
      });
    });
  }

  /**
   * The dialog has ended. Requests of the peer that wait for an answer get one; requests of ours still get theirs.
   * The dialog stays known for a moment where a NOTIFY may follow.
   */
  end(): void {
    if (this.#state === 'over' || this.#state === 'lingering') return;
    this.#answerAll();
    this.#awaitingAck.clear();
    if (this.#subscriptions > 0) {
      this.#state = 'lingering';
      this.#linger = this.#context.clock.after(LATE_NOTIFY_MS, () => {
        this.close();
      });
      return;
    }
    this.close();
  }

  /** Forgets the dialog at once; requests of ours without an answer get 503. Idempotent. */
  fail(): void {
    const open = [...this.#sent];
    this.#sent.clear();
    for (const requestId of open) this.#respond(requestId, 503, 'Connection to the SIP server lost');
    this.#unanswered.clear();
    this.close();
  }

  /** Idempotent. */
  close(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#linger?.cancel();
    this.#context.disown(this.dialogId);
    this.#context.closed();
  }

  #answerAll(): void {
    for (const { method, reply } of this.#unanswered.values()) {
      sendReply(reply, method === 'INVITE' ? 487 : 481, null);
    }
    this.#unanswered.clear();
  }
}

/** Sends an ACK and logs where that fails: the peer's retransmissions end the dialog then. */
export function acknowledge(context: LegContext, ack: SrfAck, sdp: string | null): void {
  const failed = (failure: SrfFailure): void => {
    if (failure) context.log.debug({ failure }, 'ACK was not sent');
  };
  try {
    if (sdp === null) ack({}, failed);
    else ack({ body: sdp, headers: { 'Content-Type': 'application/sdp' } }, failed);
  } catch (thrown) {
    failed(thrown instanceof Error ? thrown : String(thrown));
  }
}

function isUnknownDialog(failure: SrfFailure): boolean {
  const text = failure instanceof Error ? failure.message : (failure ?? '');
  return /unable to find dialog/i.test(text);
}

const isNoSubscription = (headers: SipHeaders): boolean =>
  firstValue(headers, 'refer-sub')?.trim().toLowerCase() === 'false';

const endsSubscription = (headers: SipHeaders): boolean =>
  /^\s*terminated/i.test(firstValue(headers, 'subscription-state') ?? '');

const emptyToNull = (body: string | undefined): string | null =>
  body === undefined || body === '' ? null : body;
