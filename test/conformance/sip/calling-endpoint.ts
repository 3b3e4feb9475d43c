import type { Clock } from '../../../src/common/clock.js';
import type { Random } from '../../../src/common/random.js';
import { Dialog, dialogId } from '../../../src/sip/dialog/dialog.js';
import { HeaderList, NO_BODY, type SipRequest, type SipResponse } from '../../../src/sip/message.js';
import { createResponse } from '../../../src/sip/response.js';
import { AckWait } from '../../../src/sip/transaction/ack-wait.js';
import { SentAck } from '../../../src/sip/transaction/sent-ack.js';
import { TransactionLayer } from '../../../src/sip/transaction/transaction-layer.js';
import type { ServerTransactionUser } from '../../../src/sip/transaction/transaction-user.js';
import type { Destination } from '../../../src/sip/transaction/transport.js';
import type { LossyNetwork } from './lossy-network.js';

/** How the called side treats a call, told by the user part of the Request-URI. */
export type Plan = 'answer' | 'reject' | 'ring';

/** A small user agent on a layer of its own: enough of RFC 3261 13 and 15 to hold calls over a bad network. */
export class CallingEndpoint implements ServerTransactionUser {
  readonly layer: TransactionLayer;
  readonly #address: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #dialogs = new Map<string, { dialog: Dialog; wait: AckWait }>();
  readonly #ringing = new Map<string, SipRequest>();
  /** What became of the calls that we made: one entry per call. */
  readonly outcomes = new Map<string, string>();
  unacknowledged = 0;
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
    return this.#dialogs.size;
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
    const sentAck = new SentAck();
    const id = this.layer.sendRequest(invite, destination, {
      onResponse: (response) => {
        if (response.status < 200) return;
        if (response.status >= 300) this.#settle(callId, String(response.status));
        else if (sentAck.onSuccess() === 'first')
          this.#answered(invite, response, destination, sentAck, holdMs);
      },
      onTimeout: (_id, timer) => this.#settle(callId, `timeout ${timer}`),
      onTransportError: () => this.#settle(callId, 'transport error'),
    });
    if (plan === 'ring') this.#clock.after(holdMs, () => this.layer.cancel(id));
  }

  #answered(
    invite: SipRequest,
    response: SipResponse,
    destination: Destination,
    sentAck: SentAck,
    holdMs: number,
  ): void {
    const dialog = Dialog.ofUac(invite, response)!;
    const bytes = this.layer.sendStateless(dialog.createAck(1), destination);
    sentAck.acknowledged(() => this.layer.outbound.send(destination, bytes, undefined));
    this.#clock.after(holdMs, () => {
      this.layer.sendRequest(dialog.createRequest('BYE'), destination, {
        onResponse: (answer) => this.#settle(dialog.callId, `answered, BYE ${answer.status}`),
        onTimeout: () => this.#settle(dialog.callId, 'BYE timeout'),
        onTransportError: () => this.#settle(dialog.callId, 'BYE transport error'),
      });
    });
  }

  #settle(callId: string, outcome: string): void {
    const before = this.outcomes.get(callId);
    this.outcomes.set(callId, before === undefined ? outcome : `${before} then ${outcome}`);
  }

  onRequest(request: SipRequest, id: string): void {
    const heard = `${request.headers.callId()} ${request.headers.get('cseq') ?? ''}`;
    this.timesHeard.set(heard, (this.timesHeard.get(heard) ?? 0) + 1);
    if (request.method === 'INVITE') this.#onInvite(request, id);
    else this.#onBye(request, id);
  }

  #onInvite(request: SipRequest, id: string): void {
    const toTag = this.layer.toTag(id);
    if (request.uri.startsWith('sip:reject@')) {
      this.layer.respond(id, createResponse(request, 486, undefined, { toTag }));
      return;
    }
    this.layer.respond(id, createResponse(request, 180, undefined, { toTag }));
    if (request.uri.startsWith('sip:ring@')) {
      this.#ringing.set(id, request);
      // The CANCEL may be lost for good: nobody lets a phone ring for ever.
      this.#clock.after(60_000, () => {
        if (this.#ringing.delete(id))
          this.layer.respond(id, createResponse(request, 480, undefined, { toTag }));
      });
      return;
    }
    this.#clock.after(this.#random.fraction() * 300, () => {
      const contact: [string, string][] = [['Contact', `<sip:callee@${this.#address}>`]];
      const response = createResponse(request, 200, undefined, { toTag, headers: contact });
      if (this.layer.respond(id, response) !== 'sent') return;
      const dialog = Dialog.ofUas(request, response)!;
      const entry = {
        dialog,
        wait: new AckWait({
          clock: this.#clock,
          timers: this.layer.timers,
          resend: () => this.layer.respond(id, response),
          onTimeout: () => {
            this.unacknowledged++;
            this.#dialogs.delete(dialog.id);
          },
        }),
      };
      this.#dialogs.set(dialog.id, entry);
    });
  }

  #onBye(request: SipRequest, id: string): void {
    const key = dialogId(request) ?? '';
    const entry = this.#dialogs.get(key);
    entry?.wait.close();
    this.#dialogs.delete(key);
    this.layer.respond(id, createResponse(request, entry ? 200 : 481, undefined, { toTag: 'none' }));
  }

  onAck(ack: SipRequest): void {
    this.#dialogs.get(dialogId(ack) ?? '')?.wait.acknowledge();
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
