import type { Clock } from '../../common/clock.js';
import type { SipRequest, SipResponse } from '../message.js';
import { createResponse } from '../response.js';
import { serializeMessage } from '../serialize-message.js';
import { performTimerAction } from './client-transaction.js';
import { INVITE_SERVER, type InviteServerEvent, type InviteServerState } from './invite-server.js';
import {
  NON_INVITE_SERVER,
  type NonInviteServerEvent,
  type NonInviteServerState,
} from './non-invite-server.js';
import { transition, type Action } from './state-table.js';
import { TimerSet } from './timer-set.js';
import type { TimerName, TimerValues } from './timers.js';
import type { ServerTransactionUser } from './transaction-user.js';
import {
  isReliable,
  responseDestination,
  type Destination,
  type Outbound,
  type Source,
} from './transport.js';

export type ServerState = InviteServerState | NonInviteServerState;
export type ServerEvent = InviteServerEvent | NonInviteServerEvent;

/** What a server transaction needs of its layer. */
export interface ServerOwner {
  readonly clock: Clock;
  readonly timers: TimerValues;
  readonly outbound: Outbound;
  readonly sendTrying: boolean;
  readonly user: ServerTransactionUser;
  forget(transaction: ServerTransaction): void;
  countRetransmission(): void;
}

/** One request that came in: runs its machine's table and does what the table says. */
export class ServerTransaction {
  readonly id: string;
  readonly isInvite: boolean;
  readonly mergeKey: string | undefined;
  /** The Request-URI. */
  readonly uri: string;
  readonly source: Source;
  readonly destination: Destination;
  readonly timers: TimerSet;
  /** Undefined once the final response is sent. */
  request: SipRequest | undefined;
  /** The To tag of our responses, once one is known. */
  toTag: string | undefined;
  /** Set when the layer answers by itself: the user never hears of the request. */
  readonly muted: boolean;
  #state: ServerState = 'initial';
  #bytes: Buffer | undefined;
  readonly #owner: ServerOwner;

  constructor(
    owner: ServerOwner,
    id: string,
    request: SipRequest,
    source: Source,
    mergeKey: string | undefined,
    muted: boolean,
  ) {
    this.#owner = owner;
    this.id = id;
    this.request = request;
    this.isInvite = request.method === 'INVITE';
    this.source = source;
    this.mergeKey = mergeKey;
    this.uri = request.uri;
    this.muted = muted;
    this.toTag = request.headers.toTag();
    this.destination = responseDestination(request.headers.topVia()!, source);
    this.timers = new TimerSet(owner.clock, owner.timers, isReliable(source.transport), (name) => {
      this.dispatch(`timer${name}` as ServerEvent);
    });
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Sends a response; false when the machine refuses it in this state (a second final response, say). */
  respond(response: SipResponse): boolean {
    const { status } = response;
    return this.dispatch(
      status < 200 ? 'send-provisional' : status < 300 ? 'send-success' : 'send-failure',
      response,
    );
  }

  /** Feeds one event; false when the machine has no row for it in this state, and nothing happened. */
  dispatch(event: ServerEvent, message?: SipRequest | SipResponse, source: Source = this.source): boolean {
    const step = this.isInvite
      ? transition(INVITE_SERVER, this.#state as InviteServerState, event as InviteServerEvent)
      : transition(NON_INVITE_SERVER, this.#state as NonInviteServerState, event as NonInviteServerEvent);
    if (!step) return false;
    this.#state = step.next;
    if (step.next === 'terminated') this.close();
    let due: TimerName | undefined;
    for (const action of step.actions) {
      if (!this.#perform(action, message, source)) due = action.slice('start-'.length) as TimerName;
    }
    if (due) this.dispatch(`timer${due}` as ServerEvent);
    return true;
  }

  /** Stops the timers and leaves the layer. Idempotent. */
  close(): void {
    this.#state = 'terminated';
    this.timers.clear();
    this.#bytes = undefined;
    this.request = undefined;
    this.#owner.forget(this);
  }

  /** False when the action starts a timer that is due at once. */
  #perform(action: Action, message: SipRequest | SipResponse | undefined, source: Source): boolean {
    switch (action) {
      case 'send':
        this.#send(message as SipResponse);
        return true;
      case 'resend':
        if (this.#bytes) {
          this.#owner.countRetransmission();
          this.#owner.outbound.send(this.destination, this.#bytes, this.id);
        }
        return true;
      case 'send-trying':
        if (this.#owner.sendTrying && !this.muted) this.#send(createResponse(this.request!, 100));
        return true;
      case 'pass-up':
        this.#passUp(message as SipRequest, source);
        return true;
      case 'report-timeout':
        if (!this.muted) this.#owner.user.onAckTimeout(this.id);
        return true;
      case 'report-transport-error':
        if (!this.muted) this.#owner.user.onResponseTransportError(this.id);
        return true;
      case 'drop-request':
        this.request = undefined;
        this.#bytes = undefined;
        return true;
      case 'send-ack':
      case 'send-cancel':
        return true;
      case 'pace-A':
      case 'pace-E':
      case 'pace-G':
        this.timers.pace(action.charAt(5) as 'A' | 'E' | 'G');
        return true;
      case 'slow-E':
        this.timers.slow();
        return true;
      default:
        return performTimerAction(this.timers, action);
    }
  }

  #send(response: SipResponse): void {
    this.toTag = response.headers.toTag() ?? this.toTag;
    const bytes = serializeMessage(response);
    // RFC 6026 8.5: Accepted repeats nothing by itself.
    this.#bytes = this.#state === 'accepted' ? undefined : bytes;
    this.#owner.outbound.send(this.destination, bytes, this.id, response);
  }

  #passUp(request: SipRequest, source: Source): void {
    if (this.muted) return;
    if (request.method === 'ACK') this.#owner.user.onAck(request, source);
    else this.#owner.user.onRequest(request, this.id, source);
  }
}
