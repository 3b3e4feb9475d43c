import { seededRandom } from '../../../../src/common/random.js';
import type { SipMessage, SipRequest, SipResponse } from '../../../../src/sip/message.js';
import { createResponse } from '../../../../src/sip/response.js';
import { TransactionLayer } from '../../../../src/sip/transaction/transaction-layer.js';
import type { TimerValues } from '../../../../src/sip/transaction/timers.js';
import type { TransportName } from '../../../../src/sip/transaction/transport.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { parsed, request, type RequestOverrides } from '../../../fixtures/sip/sample-messages.js';

/** One layer on a virtual clock, with everything that it sends and reports written down. */
export class LayerHarness {
  readonly clock = new VirtualClock();
  readonly transport: TransportName;
  readonly layer: TransactionLayer;
  /** `[ms] METHOD` or `[ms] status`, in the order of sending. */
  sent: string[] = [];
  messages: SipMessage[] = [];
  /** What the users were told, in order. */
  told: string[] = [];
  /** The id of the last request that came up. */
  incoming = '';
  incomingRequest: SipRequest | undefined;

  constructor(transport: TransportName = 'udp', timers: Partial<TimerValues> = {}, sendTrying = false) {
    this.transport = transport;
    const random = seededRandom(7);
    this.layer = new TransactionLayer({
      clock: this.clock,
      random,
      timers,
      sendTrying,
      outbound: {
        sentBy: () => '192.0.2.99:5060',
        send: (_destination, bytes) => {
          const message = parsed(bytes);
          this.messages.push(message);
          const what = message.kind === 'request' ? message.method : String(message.status);
          this.sent.push(`${this.clock.now()} ${what}`);
        },
      },
      user: {
        onRequest: (incoming, id) => {
          this.incoming = id;
          this.incomingRequest = incoming;
          this.told.push(`request ${incoming.method}`);
        },
        onAck: () => this.told.push('ack'),
        onCancel: (id) => this.told.push(`cancel ${id === this.incoming ? 'of the INVITE' : id}`),
        onAckTimeout: () => this.told.push('ack timeout'),
        onResponseTransportError: () => this.told.push('response transport error'),
        onStrayResponse: (response) => this.told.push(`stray ${response.status}`),
      },
    });
  }

  get source() {
    return { transport: this.transport, address: '192.0.2.1', port: 5060, connectionId: 'c' } as const;
  }

  /** Sends a request and returns its transaction's id. */
  send(method: string): string {
    const outgoing = request({ method, via: 'SIP/2.0/UDP unused' });
    outgoing.headers.remove('via');
    return this.layer.sendRequest(outgoing, this.source, {
      onResponse: (response) => this.told.push(`response ${response.status}`),
      onTimeout: (_id, timer) => this.told.push(`timeout ${timer}`),
      onTransportError: () => this.told.push('transport error'),
    });
  }

  /** The peer answers the last request of that method. */
  answer(status: number, method: string): SipResponse {
    const asked = this.messages.findLast(
      (message): message is SipRequest => message.kind === 'request' && message.method === method,
    );
    if (!asked) throw new Error(`no ${method} was sent`);
    const response = createResponse(asked, status, undefined, { toTag: 'peer' });
    this.layer.receive(response, this.source);
    return response;
  }

  /** A request arrives. */
  arrive(overrides: RequestOverrides = {}): void {
    this.layer.receive(request(overrides), this.source);
  }

  /** Answers the last request that came up. */
  respond(status: number): string {
    return this.layer.respond(
      this.incoming,
      createResponse(this.incomingRequest!, status, undefined, { toTag: this.layer.toTag(this.incoming) }),
    );
  }

  /** What is still held: all zero after every transaction ended. */
  leftovers(): number {
    const { inviteClients, nonInviteClients, inviteServers, nonInviteServers, timers, mergeKeys } =
      this.layer.counts();
    return (
      inviteClients +
      nonInviteClients +
      inviteServers +
      nonInviteServers +
      timers +
      mergeKeys +
      this.clock.pendingTimers
    );
  }
}
