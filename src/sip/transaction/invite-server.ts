import { to, type StateTable } from './state-table.js';

export type InviteServerState =
  'initial' | 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';
export type InviteServerEvent =
  | 'start'
  | 'retransmission'
  | 'ack'
  | 'send-provisional'
  | 'send-success'
  | 'send-failure'
  | 'timerG'
  | 'timerH'
  | 'timerI'
  | 'timerL'
  | 'transport-error';

/** The INVITE server transaction: RFC 3261 17.2.1, with Accepted of RFC 6026 8.5. */
export const INVITE_SERVER: StateTable<InviteServerState, InviteServerEvent> = {
  initial: {
    start: to('proceeding', 'send-trying', 'pass-up'),
  },
  proceeding: {
    retransmission: to('proceeding', 'resend'),
    'send-provisional': to('proceeding', 'send'),
    'send-success': to('accepted', 'drop-request', 'start-L', 'send'),
    'send-failure': to('completed', 'drop-request', 'start-G', 'start-H', 'send'),
    'transport-error': to('proceeding', 'report-transport-error'),
  },
  accepted: {
    // RFC 6026 8.5: the 2xx is repeated by its sender, not by the transaction.
    retransmission: to('accepted'),
    ack: to('accepted', 'pass-up'),
    'send-success': to('accepted', 'send'),
    timerL: to('terminated'),
    'transport-error': to('accepted', 'report-transport-error'),
  },
  completed: {
    retransmission: to('completed', 'resend'),
    ack: to('confirmed', 'stop-G', 'stop-H', 'start-I'),
    timerG: to('completed', 'pace-G', 'resend'),
    timerH: to('terminated', 'report-timeout'),
    'transport-error': to('completed', 'report-transport-error'),
  },
  confirmed: {
    ack: to('confirmed'),
    retransmission: to('confirmed'),
    timerI: to('terminated'),
    'transport-error': to('confirmed'),
  },
  terminated: {},
};
