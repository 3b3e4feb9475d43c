import type { Clock } from '../../../src/common/clock.js';
import type { Random } from '../../../src/common/random.js';
import { Dialog, dialogId } from '../../../src/sip/dialog/dialog.js';
import { glareDelayMs, judgeReinvite } from '../../../src/sip/dialog/offer-state.js';
import { HeaderList, NO_BODY, type SipRequest, type SipResponse } from '../../../src/sip/message.js';
import { createResponse } from '../../../src/sip/response.js';
import { AckWait } from '../../../src/sip/transaction/ack-wait.js';
import { TransactionLayer } from '../../../src/sip/transaction/transaction-layer.js';
import type { ServerTransactionUser } from '../../../src/sip/transaction/transaction-user.js';
import type { Destination } from '../../../src/sip/transaction/transport.js';
import type { LossyNetwork } from './lossy-network.js';

/**
 * What becomes of a call, told by the user part of the Request-URI: it is rejected; it rings until cancelled; CANCEL
 * races the answer; it is answered and ended by the caller, or by the callee; a side sends a re-INVITE, or both at once.
 */
export const PLANS = ['answer', 'reject', 'ring', 'race', 'hold', 'held', 'glare', 'ended'] as const;
export type Plan = (typeof PLANS)[number];

/** One dialog, on either side. */
interface Session {
  readonly dialog: Dialog;
  readonly plan: Plan;
  readonly destination: Destination;
  /** 2xx that wait for their ACK, by CSeq number. */
  readonly waits: Map<number, AckWait>;
  /** What sends the ACK of one of our INVITEs again, by CSeq number. */
  readonly acks: Map<number, () => void>;
  readonly caller: boolean;
  localInvitePending: boolean;
  remoteInvitePending: boolean;
  acknowledged: boolean;
  over: boolean;
}

/** A small user agent on a layer of its own: enough of RFC 3261 13 to 15 to hold calls over a bad network. */
export class CallingEndpoint implements ServerTransactionUser {
  readonly layer: TransactionLayer;
  readonly #address: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sessions = new Map<string, Session>();
  readonly #ringing = new Map<string, SipRequest>();
  /** What became of calls, told by the side that ended them: one entry per call. */
  readonly outcomes = new Map<string, string>();
  unacknowledged = 0;
  reinvitesDone = 0;
  crossings = 0;
  /** How often the user was told of one and the same request; each must be 1. */
  readonly timesHeard = new Map<string, number>();

  constructor(address: string, clock: Clock, random: Random, network: LossyNetwork) {
    this.#address = address;
    this.#clock = clock;
    this.#random = random;
    this.layer = new TransactionLayer({
      clock,
      random,
      user: this,
      outbound: {
        sentBy: () => `${address}:5060`,
        send: (destination, bytes) => network.send(address, destination.address, bytes),
      },
    });
    network.attach(address, (bytes, from) => {
      this.layer.receiveBytes(bytes, { transport: 'udp', address: from, port: 5060 });
    });
  }

  get dialogs(): number {
    return this.#sessions.size;
  }

  /** Calls; hangs up or cancels after `holdMs`, according to the plan. */
  call(to: string, plan: Plan, callId: string, holdMs: number): void {
    const invite: SipRequest = {
      kind: 'request',
      method: 'INVITE',
      uri: `sip:${plan}@${to}`,
      headers: HeaderList.of([
        ['From', `<sip:caller@${this.#address}>;tag=${this.layer.newTag()}`],
        ['To', `<sip:${plan}@${to}>`],
        ['Call-ID', callId],
        ['CSeq', '1 INVITE'],
        ['Contact', `<sip:caller@${this.#address}>`],
      ]),
      body: NO_BODY,
    };
    const destination: Destination = { transport: 'udp', address: to, port: 5060 };
    let session: Session | undefined;
    const id = this.layer.sendRequest(invite, destination, {
      onResponse: (response) => {
        if (response.status < 200) return;
        if (response.status >= 300) this.#settle(callId, String(response.status));
        else if (session) session.acks.get(1)?.();
        else session = this.#answered(invite, response, destination, plan, holdMs);
      },
      onTimeout: (_id, timer) => this.#settle(callId, `timeout ${timer}`),
      onTransportError: () => this.#settle(callId, 'transport error'),
    });
    if (plan === 'ring') this.#clock.after(holdMs, () => this.layer.cancel(id));
    if (plan === 'race') this.#clock.after(this.#random.fraction() * 500, () => this.layer.cancel(id));
  }

  #answered(
    invite: SipRequest,
    response: SipResponse,
    destination: Destination,
    plan: Plan,
    holdMs: number,
  ): Session {
    const session = this.#open(Dialog.ofUac(invite, response)!, plan, destination, true);
    this.#acknowledge(session, 1);
    if (plan === 'hold') this.#clock.after(holdMs / 2, () => this.#reinvite(session, true));
    else if (plan === 'glare') this.#clock.after(1000, () => this.#reinvite(session, false));
    else if (plan === 'answer') this.#clock.after(holdMs, () => this.#hangUp(session));
    else if (plan === 'race') this.#hangUp(session);
    // Where the callee is to hang up and was never heard of again.
    if (plan !== 'race') this.#clock.after(120_000, () => this.#hangUp(session));
    return session;
  }

  #open(dialog: Dialog, plan: Plan, destination: Destination, caller: boolean): Session {
    const session: Session = {
      dialog,
      plan,
      destination,
      caller,
      waits: new Map(),
      acks: new Map(),
      localInvitePending: false,
      remoteInvitePending: false,
      acknowledged: false,
      over: false,
    };
    this.#sessions.set(dialog.id, session);
    return session;
  }

  #acknowledge(session: Session, cseq: number): void {
    const { destination } = session;
    const bytes = this.layer.sendStateless(session.dialog.createAck(cseq), destination);
    session.acks.set(cseq, () => this.layer.outbound.send(destination, bytes, undefined));
  }

  /** Repeats the re-INVITE after a 491 until it is answered; then hangs up, if it is this side that does. */
  #reinvite(session: Session, hangsUp: boolean): void {
    if (session.over) return;
    const invite = session.dialog.createRequest('INVITE', { contact: `<sip:ua@${this.#address}>` });
    const cseq = session.dialog.localCSeq!;
    session.localInvitePending = true;
    const ended = (): void => {
      session.localInvitePending = false;
      if (hangsUp) this.#clock.after(500, () => this.#hangUp(session));
    };
    this.layer.sendRequest(invite, session.destination, {
      onResponse: ({ status }) => {
        if (status < 200) return;
        if (status < 300) {
          const again = session.acks.get(cseq);
          if (again) {
            again();
            return;
          }
          this.#acknowledge(session, cseq);
          this.reinvitesDone++;
          ended();
          return;
        }
        session.localInvitePending = false;
        if (status !== 491) {
          this.#settle(session.dialog.callId, `re-INVITE ${status}`);
          return;
        }
        this.crossings++;
        this.#clock.after(glareDelayMs(session.caller, this.#random), () => this.#reinvite(session, hangsUp));
      },
      onTimeout: ended,
      onTransportError: ended,
    });
  }

  #hangUp(session: Session): void {
    if (session.over) return;
    this.#close(session);
    const { dialog, destination } = session;
    this.layer.sendRequest(dialog.createRequest('BYE'), destination, {
      onResponse: ({ status }) => {
        if (status >= 200) this.#settle(dialog.callId, `answered, BYE ${status}`);
      },
      onTimeout: () => this.#settle(dialog.callId, 'BYE timeout'),
      onTransportError: () => this.#settle(dialog.callId, 'BYE transport error'),
    });
  }

  #close(session: Session): void {
    session.over = true;
    for (const wait of session.waits.values()) wait.close();
    this.#sessions.delete(session.dialog.id);
  }

  #settle(callId: string, outcome: string): void {
    const before = this.outcomes.get(callId);
    this.outcomes.set(callId, before === undefined ? outcome : `${before} then ${outcome}`);
  }

  onRequest(request: SipRequest, id: string): void {
    const heard = `${request.headers.callId()} ${request.headers.fromTag() ?? ''} ${request.headers.get('cseq') ?? ''}`;
    this.timesHeard.set(heard, (this.timesHeard.get(heard) ?? 0) + 1);
    const key = dialogId(request);
    if (key === undefined) {
      this.#onInvite(request, id);
      return;
    }
    const session = this.#sessions.get(key);
    const refuse = (status: number): unknown =>
      this.layer.respond(id, createResponse(request, status, undefined, { toTag: 'none' }));
    if (!session) refuse(481);
    else if (session.dialog.receive(request) === 'out-of-order') refuse(500);
    else if (request.method === 'INVITE') this.#onReinvite(session, request, id);
    else {
      this.#close(session);
      this.layer.respond(id, createResponse(request, 200));
    }
  }

  #onInvite(request: SipRequest, id: string): void {
    const toTag = this.layer.toTag(id);
    const plan = PLANS.find((one) => request.uri.startsWith(`sip:${one}@`))!;
    if (plan === 'reject') {
      this.layer.respond(id, createResponse(request, 486, undefined, { toTag }));
      return;
    }
    this.layer.respond(id, createResponse(request, 180, undefined, { toTag }));
    this.#ringing.set(id, request);
    const ringsMs = plan === 'ring' ? 60_000 : this.#random.fraction() * (plan === 'race' ? 800 : 300);
    this.#clock.after(ringsMs, () => {
      if (!this.#ringing.delete(id)) return;
      // The CANCEL may be lost for good: nobody lets a phone ring for ever.
      if (plan === 'ring') this.layer.respond(id, createResponse(request, 480, undefined, { toTag }));
      else this.#accept(request, id, plan);
    });
  }

  #accept(request: SipRequest, id: string, plan: Plan): void {
    const response = this.#success(request, id);
    if (this.layer.respond(id, response) !== 'sent') return;
    const host = /@([\d.]+)>/.exec(request.headers.get('contact') ?? '')![1]!;
    const destination: Destination = { transport: 'udp', address: host, port: 5060 };
    const session = this.#open(Dialog.ofUas(request, response)!, plan, destination, false);
    this.#awaitAck(session, 1, id, response);
  }

  #success(request: SipRequest, id: string): SipResponse {
    return createResponse(request, 200, undefined, {
      toTag: this.layer.toTag(id),
      headers: [['Contact', `<sip:ua@${this.#address}>`]],
    });
  }

  #awaitAck(session: Session, cseq: number, id: string, response: SipResponse): void {
    session.waits.set(
      cseq,
      new AckWait({
        clock: this.#clock,
        timers: this.layer.timers,
        resend: () => this.layer.respond(id, response),
        onTimeout: () => {
          this.unacknowledged++;
          this.#hangUp(session);
        },
      }),
    );
  }

  #onReinvite(session: Session, request: SipRequest, id: string): void {
    const { localInvitePending, remoteInvitePending } = session;
    const verdict = judgeReinvite({ localInvitePending, remoteInvitePending, offer: 'stable' }, this.#random);
    if (verdict.kind === 'refuse') {
      this.layer.respond(id, createResponse(request, verdict.status));
      return;
    }
    session.remoteInvitePending = true;
    this.#clock.after(this.#random.fraction() * 200, () => {
      session.remoteInvitePending = false;
      const response = this.#success(request, id);
      if (this.layer.respond(id, response) !== 'sent' || session.over) return;
      this.#awaitAck(session, request.headers.cseq()!.number, id, response);
    });
  }

  onAck(ack: SipRequest): void {
    const session = this.#sessions.get(dialogId(ack) ?? '');
    if (!session) return;
    session.waits.get(ack.headers.cseq()!.number)?.acknowledge();
    if (session.acknowledged || session.caller) return;
    session.acknowledged = true;
    const { plan } = session;
    if (plan === 'held') this.#clock.after(1000, () => this.#reinvite(session, true));
    if (plan === 'glare') this.#clock.after(1000, () => this.#reinvite(session, false));
    if (plan === 'glare') this.#clock.after(30_000, () => this.#hangUp(session));
    if (plan === 'ended') this.#clock.after(1500, () => this.#hangUp(session));
  }

  onCancel(inviteId: string): void {
    const invite = this.#ringing.get(inviteId);
    if (!invite) return;
    this.#ringing.delete(inviteId);
    this.layer.respond(
      inviteId,
      createResponse(invite, 487, undefined, { toTag: this.layer.toTag(inviteId) }),
    );
  }

  onAckTimeout(): void {
    this.unacknowledged++;
  }

  onResponseTransportError(): void {
    throw new Error('this network reports no errors');
  }

  onStrayResponse(): void {
    // Late copies of responses are expected here.
  }
}
