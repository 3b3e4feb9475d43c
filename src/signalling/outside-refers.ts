import type { LegOfCall, SignallingEvent } from '../call/signalling-port.js';
import type { SipHeaders } from '../call/vocabulary.js';
import type { Logger } from '../common/log.js';
import { SUPPORTED_OPTIONS } from './dialog-session.js';
import { firstValue, readHeaders, readNameAddress } from './header-reading.js';
import { writeHeaders } from './header-writing.js';
import type { Command } from './leg-context.js';
import { sendReply } from './reply.js';
import type { SipLink } from './sip-link.js';
import type { SrfReply, SrfRequest } from './srf-types.js';

export interface OutsideRefersOptions {
  readonly link: SipLink;
  readonly log: Logger;
  readonly emit: (callId: string, event: SignallingEvent) => boolean;
}

/** How long a subscription lasts without its last NOTIFY: longer than any transfer (s). */
const EXPIRES_S = 300;
/** Subscriptions at once; a peer that opens more is told to wait. */
const MOST = 10_000;

interface Subscription {
  readonly id: string;
  readonly callId: string;
  readonly requestId: string;
  readonly reply: SrfReply;
  /** Where the NOTIFYs go: the Contact of the REFER. */
  readonly target: string;
  answered: boolean;
  /** Dialog of the SIP server, once the 202 is out. */
  dialogId: string | null;
  /** NOTIFYs that wait for it. */
  readonly waiting: Command<'notify'>[];
  last: string;
}

/** REFERs that came outside the dialog that they are for (RFC 4538), each with a subscription and dialog of its own. */
export class OutsideRefers {
  readonly #options: OutsideRefersOptions;
  readonly #byRequest = new Map<string, Subscription>();
  readonly #byId = new Map<string, Subscription>();
  readonly #byDialog = new Map<string, Subscription>();
  #count = 0;

  constructor(options: OutsideRefersOptions) {
    this.#options = options;
  }

  /** Subscriptions that have not ended. */
  get size(): number {
    return this.#byId.size;
  }

  /** Hands a REFER to the leg whose dialog it names. */
  take(of: LegOfCall, request: SrfRequest, reply: SrfReply, headers: SipHeaders): void {
    if (this.#byId.size >= MOST) {
      sendReply(reply, 503, null, { headers: { 'Retry-After': '5' } });
      return;
    }
    this.#count += 1;
    const id = `${of.legId}:r${this.#count}`;
    const requestId = `${of.legId}<o${this.#count}`;
    const subscription: Subscription = {
      id,
      callId: of.callId,
      requestId,
      reply,
      target: readNameAddress(firstValue(headers, 'contact'))?.uri ?? 'sip:placeholder',
      answered: false,
      dialogId: null,
      waiting: [],
      last: 'SIP/2.0 100 Trying\r\n',
    };
    this.#byRequest.set(requestId, subscription);
    this.#byId.set(id, subscription);
    const taken = this.#options.emit(of.callId, {
      kind: 'request',
      legId: of.legId,
      requestId,
      method: 'REFER',
      headers,
      body: request.body ?? null,
      contentType: null,
      outside: id,
    });
    if (taken || subscription.answered) return;
    this.#forget(subscription);
    sendReply(reply, 481, null);
  }

  /** Answers a REFER, or sends a NOTIFY of one; false where the command is not for here. */
  execute(command: Command<'respond'> | Command<'notify'>): boolean {
    if (command.kind === 'notify') {
      const subscription = this.#byId.get(command.subscription);
      if (subscription) this.#notify(subscription, command);
      return true;
    }
    const subscription = this.#byRequest.get(command.requestId);
    if (!subscription) return false;
    this.#byRequest.delete(command.requestId);
    subscription.answered = true;
    const { reply } = subscription;
    if (command.status >= 300) {
      this.#forget(subscription);
      sendReply(reply, command.status, command.reason, command);
      return true;
    }
    const headers = { ...command.headers, Expires: String(EXPIRES_S), Supported: SUPPORTED_OPTIONS };
    sendReply(reply, command.status, command.reason, { headers }, (failure) => {
      const dialogId = reply.stackDialogId;
      if (failure || !dialogId) {
        this.#options.log.debug({ failure }, 'the 202 to a REFER outside a dialog was not sent');
        this.#forget(subscription);
        return;
      }
      subscription.dialogId = dialogId;
      this.#byDialog.set(dialogId, subscription);
      for (const waiting of subscription.waiting.splice(0)) this.#send(subscription, waiting);
    });
    return true;
  }

  /** A request inside the dialog of a REFER; false where it is none of them. SUBSCRIBE renews or ends it (RFC 6665). */
  route(request: SrfRequest, reply: SrfReply): boolean {
    const subscription = this.#byDialog.get(request.stackDialogId ?? '');
    if (!subscription) return false;
    if (request.method !== 'SUBSCRIBE') {
      if (request.method !== 'ACK')
        sendReply(reply, request.method === 'BYE' ? 481 : 405, null, { headers: { Allow: 'SUBSCRIBE' } });
      return true;
    }
    const expires = Math.min(
      EXPIRES_S,
      Number(firstValue(readHeaders(request.msg.raw), 'expires') ?? EXPIRES_S) || 0,
    );
    sendReply(reply, 200, null, { headers: { Expires: String(expires) } });
    const state = expires === 0 ? 'terminated;reason=timeout' : `active;expires=${expires}`;
    const headers = { Event: 'refer', 'Subscription-State': state };
    const { id, last } = subscription;
    this.#notify(subscription, { kind: 'notify', legId: '', subscription: id, headers, body: last });
    return true;
  }

  /** The connection to the SIP server is gone, and its dialogs with it. */
  onLinkLost(): void {
    for (const subscription of [...this.#byId.values()]) this.#forget(subscription);
  }

  /** The call is over: REFERs without an answer get one; the others have had their last NOTIFY, or get it now. */
  callEnded(callId: string): void {
    for (const subscription of [...this.#byId.values()]) {
      if (subscription.callId !== callId) continue;
      if (!subscription.answered) {
        this.#forget(subscription);
        sendReply(subscription.reply, 481, null);
        continue;
      }
      const headers = { Event: 'refer', 'Subscription-State': 'terminated;reason=noresource' };
      const { id, last } = subscription;
      this.#notify(subscription, { kind: 'notify', legId: '', subscription: id, headers, body: last });
    }
  }

  #notify(subscription: Subscription, command: Command<'notify'>): void {
    subscription.last = command.body;
    // What follows the last NOTIFY has no subscription any more.
    if (endsSubscription(command)) this.#byId.delete(subscription.id);
    if (subscription.dialogId === null) subscription.waiting.push(command);
    else this.#send(subscription, command);
  }

  #send(subscription: Subscription, command: Command<'notify'>): void {
    const { link, log } = this.#options;
    const last = endsSubscription(command);
    const options = {
      method: 'NOTIFY',
      headers: writeHeaders(command.headers, 'message/sipfrag;version=2.0'),
      body: command.body,
      stackDialogId: subscription.dialogId!,
    };
    link.request(subscription.target, options, (failure, sent) => {
      if (failure || !sent) {
        log.debug({ failure }, 'NOTIFY was not sent');
        this.#forget(subscription);
        return;
      }
      sent.on('response', (response) => {
        // RFC 6665 4.2.2: a subscriber that forgot us wants no more.
        if (response.status >= 200 && (last || response.status === 481)) this.#forget(subscription);
      });
    });
  }

  #forget(subscription: Subscription): void {
    this.#byRequest.delete(subscription.requestId);
    this.#byId.delete(subscription.id);
    if (subscription.dialogId !== null) this.#byDialog.delete(subscription.dialogId);
  }
}

const endsSubscription = ({ headers }: Command<'notify'>): boolean =>
  /^terminated/.test(firstValue(headers, 'Subscription-State') ?? '');
