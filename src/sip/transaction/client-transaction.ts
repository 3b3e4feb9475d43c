import type { Clock } from '../../common/clock.js';
import type { SipRequest, SipResponse } from '../message.js';
import { serializeMessage } from '../serialize-message.js';
import { INVITE_CLIENT, type InviteClientEvent, type InviteClientState } from './invite-client.js';
import {
  NON_INVITE_CLIENT,
  type NonInviteClientEvent,
  type NonInviteClientState,
} from './non-invite-client.js';
import { buildFailureAck } from './request-parts.js';
import { transition, type Action } from './state-table.js';
import { TimerSet } from './timer-set.js';
import type { TimerName, TimerValues } from './timers.js';
import type { ClientTransactionUser } from './transaction-user.js';
import { isReliable, type Destination, type Outbound, type Source } from './transport.js';

export type ClientState = InviteClientState | NonInviteClientState;
export type ClientEvent = InviteClientEvent | NonInviteClientEvent;

/** What a client transaction needs of its layer. */
export interface ClientOwner {
  readonly clock: Clock;
  readonly timers: TimerValues;
  readonly outbound: Outbound;
  sendCancel(invite: ClientTransaction): void;
  forget(transaction: ClientTransaction): void;
  countRetransmission(): void;
}

/** One request that we sent: runs its machine's table and does what the table says. */
export class ClientTransaction {
  readonly id: string;
  readonly isInvite: boolean;
  readonly destination: Destination;
  readonly timers: TimerSet;
  /** Undefined once a final response has come. */
  request: SipRequest | undefined;
  /** The header lines of the CANCEL that was asked for. */
  cancelHeaders: readonly (readonly [string, string])[] | undefined;
  #state: ClientState = 'initial';
  #cancelSent = false;
  #bytes: Buffer | undefined;
  readonly #owner: ClientOwner;
  readonly #user: ClientTransactionUser;

  constructor(
    owner: ClientOwner,
    id: string,
    request: SipRequest,
    destination: Destination,
    user: ClientTransactionUser,
  ) {
    this.#owner = owner;
    this.id = id;
    this.request = request;
    this.isInvite = request.method === 'INVITE';
    this.destination = destination;
    this.#user = user;
    this.timers = new TimerSet(owner.clock, owner.timers, isReliable(destination.transport), (name) => {
      this.dispatch(`timer${name}` as ClientEvent);
    });
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Feeds one event; false when the machine has no row for it in this state, and nothing happened. */
  dispatch(event: ClientEvent, response?: SipResponse, source?: Source): boolean {
    const step = this.isInvite
      ? transition(INVITE_CLIENT, this.#state as InviteClientState, event as InviteClientEvent)
      : transition(NON_INVITE_CLIENT, this.#state as NonInviteClientState, event as NonInviteClientEvent);
    if (!step) return false;
    this.#state = step.next;
    if (step.next === 'terminated') this.close();
    let due: TimerName | undefined;
    for (const action of step.actions) {
      if (!this.#perform(action, event, response, source)) due = action.slice('start-'.length) as TimerName;
    }
    if (due) this.dispatch(`timer${due}` as ClientEvent);
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
  #perform(action: Action, event: ClientEvent, response?: SipResponse, source?: Source): boolean {
    const { outbound } = this.#owner;
    switch (action) {
      case 'send':
        this.#bytes = serializeMessage(this.request!);
        outbound.send(this.destination, this.#bytes, this.id, this.request);
        return true;
      case 'resend':
        this.#resend();
        return true;
      case 'send-ack':
        this.#sendAck(response!);
        return true;
      case 'send-cancel':
        if (event === 'timerC') this.cancelHeaders ??= [];
        if (this.cancelHeaders && !this.#cancelSent) {
          this.#cancelSent = true;
          this.timers.stop('C');
          this.timers.start('X');
          this.#owner.sendCancel(this);
        }
        return true;
      case 'pass-up':
        this.#user.onResponse(response!, this.id, source!);
        return true;
      case 'report-timeout':
        this.#user.onTimeout(this.id, event.slice('timer'.length) as 'B' | 'F' | 'X');
        return true;
      case 'report-transport-error':
        this.#user.onTransportError(this.id);
        return true;
      case 'drop-request':
        this.request = undefined;
        if (!this.isInvite || event === 'success') this.#bytes = undefined;
        return true;
      case 'start-C':
        // RFC 3261 16.7 step 2: a 100 does not put timer C off.
        if (!this.#cancelSent && (response!.status > 100 || !this.timers.has('C'))) this.timers.start('C');
        return true;
      case 'send-trying':
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

  #sendAck(response: SipResponse): void {
    if (this.request) {
      const ack = buildFailureAck(this.request, response);
      this.#bytes = serializeMessage(ack);
      this.#owner.outbound.send(this.destination, this.#bytes, this.id, ack);
    } else {
      this.#resend();
    }
  }

  #resend(): void {
    if (!this.#bytes) return;
    this.#owner.countRetransmission();
    this.#owner.outbound.send(this.destination, this.#bytes, this.id);
  }
}

/** Does a `start-*` or `stop-*` action; false when the timer is due at once. */
export function performTimerAction(
  timers: TimerSet,
  action: `start-${TimerName}` | `stop-${TimerName}`,
): boolean {
  const name = action.charAt(action.length - 1) as TimerName;
  if (action.startsWith('start-')) return timers.start(name);
  timers.stop(name);
  return true;
}
