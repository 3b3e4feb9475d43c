import assert from 'node:assert/strict';
import { INVITE_CLIENT } from '../../../../src/sip/transaction/invite-client.js';
import { INVITE_SERVER } from '../../../../src/sip/transaction/invite-server.js';
import { NON_INVITE_CLIENT } from '../../../../src/sip/transaction/non-invite-client.js';
import { NON_INVITE_SERVER } from '../../../../src/sip/transaction/non-invite-server.js';
import type { StateTable } from '../../../../src/sip/transaction/state-table.js';

/** state → event → next state; an event that is not named must be invalid there. */
type Expected = Record<string, Record<string, string>>;

const ic: Expected = {
  initial: { start: 'calling' },
  calling: {
    provisional: 'proceeding',
    success: 'accepted',
    failure: 'completed',
    cancel: 'calling',
    timerA: 'calling',
    timerB: 'terminated',
    'transport-error': 'terminated',
  },
  proceeding: {
    provisional: 'proceeding',
    success: 'accepted',
    failure: 'completed',
    cancel: 'proceeding',
    timerC: 'proceeding',
    timerX: 'terminated',
    'transport-error': 'proceeding',
  },
  accepted: {
    provisional: 'accepted',
    success: 'accepted',
    failure: 'accepted',
    timerM: 'terminated',
    'transport-error': 'accepted',
  },
  completed: {
    provisional: 'completed',
    success: 'completed',
    failure: 'completed',
    timerD: 'terminated',
    'transport-error': 'terminated',
  },
  terminated: {},
};
const is: Expected = {
  initial: { start: 'proceeding' },
  proceeding: {
    retransmission: 'proceeding',
    'send-provisional': 'proceeding',
    'send-success': 'accepted',
    'send-failure': 'completed',
    'transport-error': 'proceeding',
  },
  accepted: {
    retransmission: 'accepted',
    ack: 'accepted',
    'send-success': 'accepted',
    timerL: 'terminated',
    'transport-error': 'accepted',
  },
  completed: {
    retransmission: 'completed',
    ack: 'confirmed',
    timerG: 'completed',
    timerH: 'terminated',
    'transport-error': 'completed',
  },
  confirmed: {
    retransmission: 'confirmed',
    ack: 'confirmed',
    timerI: 'terminated',
    'transport-error': 'confirmed',
  },
  terminated: {},
};
const nc: Expected = {
  initial: { start: 'trying' },
  trying: {
    provisional: 'proceeding',
    success: 'completed',
    failure: 'completed',
    timerE: 'trying',
    timerF: 'terminated',
    'transport-error': 'terminated',
  },
  proceeding: {
    provisional: 'proceeding',
    success: 'completed',
    failure: 'completed',
    timerE: 'proceeding',
    timerF: 'terminated',
    'transport-error': 'terminated',
  },
  completed: {
    provisional: 'completed',
    success: 'completed',
    failure: 'completed',
    timerK: 'terminated',
    'transport-error': 'completed',
  },
  terminated: {},
};
const ns: Expected = {
  initial: { start: 'trying' },
  trying: {
    retransmission: 'trying',
    'send-provisional': 'proceeding',
    'send-success': 'completed',
    'send-failure': 'completed',
    'transport-error': 'trying',
  },
  proceeding: {
    retransmission: 'proceeding',
    'send-provisional': 'proceeding',
    'send-success': 'completed',
    'send-failure': 'completed',
    'transport-error': 'proceeding',
  },
  completed: { retransmission: 'completed', timerJ: 'terminated', 'transport-error': 'terminated' },
  terminated: {},
};

const machines: [string, StateTable<string, string>, Expected][] = [
  ['INVITE client (17.1.1, RFC 6026)', INVITE_CLIENT, ic],
  ['INVITE server (17.2.1, RFC 6026)', INVITE_SERVER, is],
  ['non-INVITE client (17.1.2)', NON_INVITE_CLIENT, nc],
  ['non-INVITE server (17.2.2)', NON_INVITE_SERVER, ns],
];

describe('transaction state tables', () => {
  for (const [name, table, expected] of machines) {
    it(`${name}: each event in each state, and no others`, () => {
      const events = new Set(Object.values(expected).flatMap((rows) => Object.keys(rows)));
      assert.deepEqual(Object.keys(table).sort(), Object.keys(expected).sort());
      for (const [state, rows] of Object.entries(expected)) {
        for (const event of events) {
          assert.equal(table[state]?.[event]?.next, rows[event], `${event} in ${state}`);
        }
      }
    });
  }
});
