import { to, type StateTable } from './state-table.js';

export type NonInviteServerState = 'initial' | 'trying' | 'proceeding' | 'completed' | 'terminated';
export type NonInviteServerEvent =
  | 'start'
  | 'retransmission'
  | 'send-provisional'
  | 'send-success'
  | 'send-failure'
  | 'timerJ'
  | 'transport-error';

/** The non-INVITE server transaction: RFC 3261 17.2.2. */
export const NON_INVITE_SERVER: StateTable<NonInviteServerState, NonInviteServerEvent> = {
  initial: {
    start: to('trying', 'pass-up'),
  },
  trying: {
    retransmission: to('trying'),
    'send-provisional': to('proceeding', 'send'),
    'send-success': to('completed', 'drop-request', 'start-J', 'send'),
    'send-failure': to('completed', 'drop-request', 'start-J', 'send'),
    'transport-error': to('trying'),
  },
  proceeding: {
    retransmission: to('proceeding', 'resend'),
    'send-provisional': to('proceeding', 'send'),
    'send-success': to('completed', 'drop-request', 'start-J', 'send'),
    'send-failure': to('completed', 'drop-request', 'start-J', 'send'),
    'transport-error': to('proceeding', 'report-transport-error'),
  },
  completed: {
    retransmission: to('completed', 'resend'),
    timerJ: to('terminated'),
    'transport-error': to('terminated', 'report-transport-error'),
  },
  terminated: {},
};
