import { to, type StateTable } from './state-table.js';

export type NonInviteClientState = 'initial' | 'trying' | 'proceeding' | 'completed' | 'terminated';
export type NonInviteClientEvent =
  'start' | 'provisional' | 'success' | 'failure' | 'timerE' | 'timerF' | 'timerK' | 'transport-error';

/** The non-INVITE client transaction: RFC 3261 17.1.2. */
export const NON_INVITE_CLIENT: StateTable<NonInviteClientState, NonInviteClientEvent> = {
  initial: {
    start: to('trying', 'start-E', 'start-F', 'send'),
  },
  trying: {
    provisional: to('proceeding', 'pass-up'),
    success: to('completed', 'stop-E', 'stop-F', 'drop-request', 'start-K', 'pass-up'),
    failure: to('completed', 'stop-E', 'stop-F', 'drop-request', 'start-K', 'pass-up'),
    timerE: to('trying', 'pace-E', 'resend'),
    timerF: to('terminated', 'report-timeout'),
    'transport-error': to('terminated', 'report-transport-error'),
  },
  proceeding: {
    provisional: to('proceeding', 'pass-up'),
    success: to('completed', 'stop-E', 'stop-F', 'drop-request', 'start-K', 'pass-up'),
    failure: to('completed', 'stop-E', 'stop-F', 'drop-request', 'start-K', 'pass-up'),
    timerE: to('proceeding', 'slow-E', 'resend'),
    timerF: to('terminated', 'report-timeout'),
    'transport-error': to('terminated', 'report-transport-error'),
  },
  completed: {
    provisional: to('completed'),
    success: to('completed'),
    failure: to('completed'),
    timerK: to('terminated'),
    'transport-error': to('completed'),
  },
  terminated: {},
};
