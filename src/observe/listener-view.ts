import type { CallRecord } from '../call/call-record.js';
import { LISTENER_ENDS, type ListenerEnd, type ListenerState } from '../call/vocabulary.js';

/** An operator who hears a call, as the API shows it. Times are Unix ms; null where it has not come to that. */
export interface ListenerView {
  readonly listenerId: string;
  readonly callId: string;
  readonly state: ListenerState;
  /** As it was asked for, and the destination that is being called. */
  readonly to: string;
  readonly destination: string | null;
  /** The token that asked; null where none is needed. */
  readonly by: string | null;
  readonly legId: string | null;
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly endedAt: number | null;
  /** The final status of the operator's phone; null where it gave none. */
  readonly sipStatus: number | null;
  readonly reason: ListenerEnd | null;
  readonly detail: string | null;
}

type EventRecord = Extract<CallRecord, { kind: 'call.event' }>;

const STATES: Readonly<Record<string, ListenerState>> = {
  listener_calling: 'calling',
  listener_not_reached: 'calling',
  listener_ringing: 'ringing',
  listener_started: 'listening',
  listener_ended: 'ended',
};

/** A listener that was ordered just now: its first record is on the way. */
export function expectedListener(
  callId: string,
  order: { readonly listenerId: string; readonly to: string; readonly by: string | null },
  startedAt: number,
): ListenerView {
  const { listenerId, to, by } = order;
  const open = { answeredAt: null, endedAt: null, sipStatus: null, reason: null, detail: null };
  return { listenerId, callId, state: 'calling', to, destination: null, by, legId: null, startedAt, ...open };
}

/** What an event of a call says of a listener, put on top of what was known; null where it says nothing of one. */
export function listenerAfter(
  { callId, at, name, detail }: EventRecord,
  known: (listenerId: string) => ListenerView | undefined,
): ListenerView | null {
  const state = STATES[name];
  const { listener, to, by, destination, leg } = detail;
  if (state === undefined || typeof listener !== 'string') return null;
  const order = { listenerId: listener, to: textOf(to) ?? '', by: textOf(by) };
  const before = known(listener) ?? expectedListener(callId, order, at);
  const now = {
    ...before,
    state,
    destination: textOf(destination) ?? before.destination,
    legId: textOf(leg) ?? before.legId,
  };
  if (state === 'listening') return { ...now, answeredAt: at, sipStatus: 200 };
  if (state !== 'ended') return now;
  return {
    ...now,
    endedAt: at,
    sipStatus: typeof detail['status'] === 'number' ? detail['status'] : now.sipStatus,
    reason: LISTENER_ENDS.find((one) => one === detail['reason']) ?? 'failed',
    detail: textOf(detail['detail']),
  };
}

/** A listener of a call that has ended, whether or not its own end was told: a call may be taken down by force. */
export function leftBehind(listener: ListenerView, at: number): ListenerView {
  if (listener.state === 'ended') return listener;
  return { ...listener, state: 'ended', endedAt: at, reason: 'call_ended', detail: 'the call ended' };
}

function textOf(value: EventRecord['detail'][string] | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
