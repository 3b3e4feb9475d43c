import { to, type StateTable } from './state-table.js';

export type InviteClientState =
  'initial' | 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated';
export type InviteClientEvent =
  | 'start'
  | 'provisional'
  | 'success'
  | 'failure'
  | 'cancel'
  | 'timerA'
  | 'timerB'
  | 'timerC'
  | 'timerD'
  | 'timerM'
  | 'timerX'
  | 'transport-error';

/** The INVITE client transaction: RFC 3261 17.1.1, with Accepted of RFC 6026 8.4 and CANCEL of 9.1. */
export const INVITE_CLIENT: StateTable<InviteClientState, InviteClientEvent> = {
  initial: {
    start: to('calling', 'start-A', 'start-B', 'send'),
  },
  calling: {
    provisional: to('proceeding', 'stop-A', 'stop-B', 'start-C', 'send-cancel', 'pass-up'),
    success: to('accepted', 'stop-A', 'stop-B', 'drop-request', 'start-M', 'pass-up'),
    failure: to('completed', 'stop-A', 'stop-B', 'start-D', 'send-ack', 'drop-request', 'pass-up'),
    // RFC 3261 9.1: a CANCEL waits for a provisional response; the layer remembers it.
    cancel: to('calling'),
    timerA: to('calling', 'pace-A', 'resend'),
    timerB: to('terminated', 'report-timeout'),
    'transport-error': to('terminated', 'report-transport-error'),
  },
  proceeding: {
    provisional: to('proceeding', 'start-C', 'pass-up'),
    success: to('accepted', 'stop-C', 'stop-X', 'drop-request', 'start-M', 'pass-up'),
    failure: to('completed', 'stop-C', 'stop-X', 'start-D', 'send-ack', 'drop-request', 'pass-up'),
    cancel: to('proceeding', 'send-cancel'),
    timerC: to('proceeding', 'send-cancel'),
    timerX: to('terminated', 'report-timeout'),
    // The response may still come, on a new connection.
    'transport-error': to('proceeding'),
  },
  accepted: {
    success: to('accepted', 'pass-up'),
    provisional: to('accepted'),
    failure: to('accepted'),
    timerM: to('terminated'),
    'transport-error': to('accepted'),
  },
  completed: {
    failure: to('completed', 'send-ack'),
    provisional: to('completed'),
    success: to('completed'),
    timerD: to('terminated'),
    'transport-error': to('terminated', 'report-transport-error'),
  },
  terminated: {},
};
