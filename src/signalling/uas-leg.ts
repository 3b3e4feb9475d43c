import type { DialogName, IncomingInvite, LegId, SignallingCommand } from '../call/signalling-port.js';
import type { Timer } from '../common/clock.js';
import { DialogSession, SUPPORTED_OPTIONS } from './dialog-session.js';
import { firstValue, readHeaders, readNameAddress, sdpOf } from './header-reading.js';
import {
  refuseWithoutDialog,
  type Command,
  type Credentials,
  type Leg,
  type LegContext,
} from './leg-context.js';
import { sendReply } from './reply.js';
import { replyNamingSession } from './session-id.js';
import type { SrfFailure, SrfMessage, SrfReply, SrfRequest } from './srf-types.js';

/**
 * `proceeding` → `answering` (our 200 is on its way to the server) → `unacked` → `confirmed` → `ending` → `gone`.
 * A BYE of ours waits for the ACK (RFC 3261 15).
 */
export type UasState = 'proceeding' | 'answering' | 'unacked' | 'confirmed' | 'ending' | 'gone';

/** 64*T1: after this the 2xx is not retransmitted any more and a BYE need not wait for its ACK (RFC 3261 13.3.1.4). */
export const ACK_WAIT_MS = 32_000;

/** The leg of an INVITE that came in. */
export class UasLeg implements Leg {
  readonly legId: LegId;
  readonly callId: string;
  readonly sipCallId: string;
  readonly #context: LegContext;
  readonly #reply: SrfReply;
  readonly #invite: IncomingInvite;
  readonly #reliable: boolean;
  #state: UasState = 'proceeding';
  #session: DialogSession | null = null;
  /** Headers of a BYE that was asked for before the dialog could take one. */
  /** For challenges to requests of ours in this dialog. */
  readonly credentials: Credentials | null;
  #byeWanted: Command<'bye'>['headers'] | null = null;
  #ackWait: Timer | null = null;

  constructor(
    context: LegContext,
    callId: string,
    legId: LegId,
    request: SrfRequest,
    reply: SrfReply,
    invite: IncomingInvite,
    credentials: Credentials | null = null,
  ) {
    this.#context = context;
    this.callId = callId;
    this.legId = legId;
    this.#reply = reply;
    this.#invite = invite;
    this.credentials = credentials;
    this.sipCallId = invite.sipCallId;
    this.#reliable = /(^|[\s,])100rel([\s,]|$)/i.test(String(invite.headers['require'] ?? ''));
    request.on('cancel', () => {
      this.#onCancel();
    });
    request.on('update', (update, updateReply) => {
      this.#early(update, updateReply);
    });
  }

  get state(): UasState {
    return this.#state;
  }

  /** The dialog, early or confirmed, or null. */
  get dialog(): DialogName | null {
    return this.#session?.name ?? null;
  }

  execute(command: SignallingCommand): void {
    switch (command.kind) {
      case 'provisional':
        this.#provisional(command);
        return;
      case 'accept':
        this.#accept(command);
        return;
      case 'reject':
        this.#reject(command.status, command.reason, command.headers);
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
      case 'ack':
        if (command.requestId !== null) this.#session?.acknowledge(command.requestId, command.sdp);
        return;
      case 'cancel':
      case 'invite':
      case 'claim':
      case 'notify':
        this.#context.log.warn(
          { legId: this.legId, command: command.kind },
          'not a command of an incoming leg',
        );
        return;
    }
  }

  #provisional(command: Command<'provisional'>): void {
    if (this.#state !== 'proceeding') return;
    const headers = this.#reliable ? { ...command.headers, Require: '100rel' } : command.headers;
    const content = { headers, body: command.sdp, contentType: 'application/sdp' };
    if (this.#session) {
      sendReply(this.#reply, command.status, null, content);
      return;
    }
    sendReply(this.#reply, command.status, null, content, (failure, sent) => {
      const dialogId = this.#reply.stackDialogId;
      if (failure || this.#session || !dialogId || this.#state === 'gone') return;
      this.#session = new DialogSession(this.#context, this.legId, dialogId, this.credentials);
      // A phone may hand over a call that still rings: it names the early dialog.
      if (sent) this.#session.confirm(this.#nameOf(sent));
    });
  }

  #accept(command: Command<'accept'>): void {
    if (this.#state !== 'proceeding') return;
    this.#state = 'answering';
    const headers = { Supported: SUPPORTED_OPTIONS, ...command.headers };
    const content = { headers, body: command.sdp, contentType: 'application/sdp' };
    sendReply(this.#reply, 200, null, content, (failure, sent) => {
      this.#onAnswered(failure, sent);
    });
  }

  #onAnswered(failure: SrfFailure, sent: SrfMessage | undefined): void {
    if (this.#state !== 'answering') return;
    const dialogId = this.#reply.stackDialogId;
    if (failure || !sent || !dialogId) {
      // A CANCEL crossed our 200, or the transaction timed out: the server has answered the caller already.
      this.#context.log.debug({ legId: this.legId, failure }, 'the 200 was not sent');
      const byeWanted = this.#byeWanted !== null;
      this.#gone();
      this.#context.emit({ kind: byeWanted ? 'gone' : 'cancelled', legId: this.legId });
      return;
    }
    this.#state = 'unacked';
    const session = (this.#session ??= new DialogSession(
      this.#context,
      this.legId,
      dialogId,
      this.credentials,
    ));
    const name = this.#nameOf(sent);
    session.confirm(name);
    if (this.#byeWanted === null) {
      this.#context.emit({ kind: 'established', legId: this.legId, dialog: name });
    }
  }

  #nameOf(sent: SrfMessage): DialogName {
    const { headers } = this.#invite;
    return {
      sipCallId: this.#invite.sipCallId,
      localTag: readNameAddress(firstValue(readHeaders(sent.raw), 'to'))?.tag ?? '',
      remoteTag: readNameAddress(firstValue(headers, 'from'))?.tag ?? '',
      remoteTarget: readNameAddress(firstValue(headers, 'contact'))?.uri ?? 'sip:placeholder',
    };
  }

  #reject(status: number, reason: string | null, headers: Command<'reject'>['headers']): void {
    if (this.#state !== 'proceeding') return;
    this.#gone();
    sendReply(this.#reply, status, reason, { headers });
  }

  #onCancel(): void {
    if (this.#state !== 'proceeding') return;
    this.#gone();
    this.#context.emit({ kind: 'cancelled', legId: this.legId });
  }

  /** An UPDATE before the INVITE is answered comes with the INVITE. */
  #early(request: SrfRequest, reply: SrfReply): void {
    if (!this.#session && request.stackDialogId && this.#state !== 'gone') {
      this.#session = new DialogSession(this.#context, this.legId, request.stackDialogId, this.credentials);
    }
    if (this.#session) this.onRequest(request, reply);
    else sendReply(reply, 481, null);
  }

  onRequest(request: SrfRequest, reply: SrfReply): void {
    if (request.method === 'ACK' && this.#state === 'unacked') {
      this.#onAck(request);
      return;
    }
    if (request.method === 'BYE') {
      this.#onBye(request, reply);
      return;
    }
    if (this.#session) this.#session.received(request, reply);
    else if (request.method !== 'ACK') sendReply(reply, 481, null);
  }

  #onAck(ack: SrfRequest): void {
    this.#state = 'confirmed';
    this.#ackWait?.cancel();
    if (this.#byeWanted !== null) {
      this.#bye(this.#byeWanted);
      return;
    }
    const sdp = sdpOf(readHeaders(ack.msg.raw), ack.body);
    this.#context.emit({ kind: 'acked', legId: this.legId, requestId: null, sdp });
  }

  #onBye(request: SrfRequest, reply: SrfReply): void {
    sendReply(reply, 200, null, { headers: replyNamingSession(request) });
    if (this.#state === 'ending' || this.#state === 'gone') return;
    const asked = this.#byeWanted !== null;
    this.#state = 'gone';
    this.#endSession();
    if (asked) this.#context.emit({ kind: 'gone', legId: this.legId });
    else this.#context.emit(byeEvent(this.legId, request));
  }

  #bye(headers: Command<'bye'>['headers']): void {
    switch (this.#state) {
      case 'proceeding':
        this.#reject(480, null, headers);
        this.#context.emit({ kind: 'gone', legId: this.legId });
        return;
      case 'answering':
      case 'unacked':
        this.#byeWanted ??= headers;
        this.#ackWait ??= this.#context.clock.after(ACK_WAIT_MS, () => this.#onNoAck());
        return;
      case 'confirmed':
        this.#state = 'ending';
        this.#session?.bye(headers, () => {
          this.#onByeAnswered();
        });
        return;
      case 'ending':
        return;
      case 'gone':
        this.#context.emit({ kind: 'gone', legId: this.legId });
        return;
    }
  }

  #onNoAck(): void {
    if (this.#state !== 'unacked' || this.#byeWanted === null) return;
    this.#state = 'confirmed';
    this.#bye(this.#byeWanted);
  }

  #onByeAnswered(): void {
    if (this.#state !== 'ending') return;
    this.#state = 'gone';
    this.#endSession();
    this.#context.emit({ kind: 'gone', legId: this.legId });
  }

  onLinkLost(): void {
    const { state } = this;
    if (state === 'gone') {
      this.#session?.fail();
      return;
    }
    const dialogId = this.#session?.dialogId;
    this.#state = 'gone';
    this.#ackWait?.cancel();
    this.#session?.fail();
    if (!this.#session) this.#context.closed();
    const ours = state === 'ending' || this.#byeWanted !== null;
    if (dialogId !== undefined && state !== 'proceeding') this.#context.byeLater(dialogId);
    if (ours) this.#context.emit({ kind: 'gone', legId: this.legId });
    else if (state === 'proceeding' || state === 'answering')
      this.#context.emit({ kind: 'cancelled', legId: this.legId });
    else
      this.#context.emit({
        kind: 'bye',
        legId: this.legId,
        headers: {},
        byStack: 'Connection to the SIP server lost',
      });
  }

  abandon(): void {
    if (this.#state === 'proceeding') this.#reject(500, null, {});
    else this.#bye({ Reason: 'SIP;cause=500;text="Internal error"' });
  }

  #endSession(): void {
    this.#ackWait?.cancel();
    if (this.#session) this.#session.end();
    else this.#context.closed();
  }

  #gone(): void {
    this.#state = 'gone';
    this.#endSession();
  }
}

/** The `bye` event of a BYE of the peer, or of one that the SIP server sent by itself. */
export function byeEvent(legId: LegId, request: SrfRequest): Parameters<LegContext['emit']>[0] {
  const headers = readHeaders(request.msg.raw);
  const byStack =
    request.source === 'application'
      ? (/text="([^"]*)"/.exec(firstValue(headers, 'reason') ?? '')?.[1] ?? 'ended by the SIP server')
      : null;
  return { kind: 'bye', legId, headers, byStack };
}
