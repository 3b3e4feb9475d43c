import assert from 'node:assert/strict';
import { CallBook } from '../../../src/observe/call-book.js';
import { Metrics, type NodeReadings } from '../../../src/observe/metrics.js';
import { ended, started, transferEnded, transferStarted, withBot } from './call-records.js';

const readings: NodeReadings = {
  threads: [
    {
      thread: 'signalling',
      cpuMs: 1500,
      loopDelayP50Ms: 1,
      loopDelayP99Ms: 4,
      heapBytes: 5000,
      externalBytes: 700,
    },
  ],
  held: {
    signalling: { legs: 6, callTimers: 2, transfersInFlight: 1 },
    mediaLegs: 5,
    engine: {
      dialogs: 4,
      incomingPending: 0,
      outgoingPending: 2,
      transactions: {
        inviteClients: 11,
        nonInviteClients: 12,
        inviteServers: 13,
        nonInviteServers: 14,
        timers: 15,
      },
    },
  },
  refused: { unknown_number: 2 },
  policyLate: 1,
  policyAnswered: 9,
  badMessages: 3,
  sipMessages: { in: 70, out: 71 },
  engine: {
    keptOut: { banned: 5, scanner: 1 },
    pathsFailed: { silent: 2 },
    keepAlivesSent: 9,
    untraced: 3,
    connections: 4,
    bannedSources: 1,
  },
  rtp: { received: 10, relayed: 9, generated: 1, rejected: 1, portsInUse: 4, portsTotal: 100 },
  cdr: { written: 1, failedWrites: 0, lost: 0 },
  webhooks: new Map([
    ['https://crm.example', { delivered: 4, retried: 2, failed: 1, rejected: 0, lost: 3, waiting: 5 }],
  ]),
  droppedEventClients: 0,
  ladder: { bytes: 0, dropped: 0 },
};

describe('Metrics', () => {
  it('count those who listen to live calls', async () => {
    const metrics = new Metrics();
    const book = new CallBook();
    const told = (name: string): void => {
      const detail = { listener: 'l1', to: 'boss', by: null, destination: 'boss', leg: 'c1.3' };
      book.apply({ kind: 'call.event', callId: 'c1', at: 1, name, detail });
      metrics.read(book, readings, []);
    };
    book.apply(started());
    told('listener_started');
    assert.match(await metrics.text(), /relevo_listeners\{state="listening"\} 1/);
    told('listener_ended');
    assert.match(await metrics.text(), /relevo_listeners\{state="listening"\} 0/);
  });

  it('counts calls and transfers from their records', async () => {
    const metrics = new Metrics();
    const book = new CallBook();
    for (const record of [started(), withBot(), transferStarted(), transferEnded(), ended(), started('c2')]) {
      book.apply(record);
      metrics.observe(record);
    }
    metrics.read(book, readings, []);
    const text = await metrics.text();
    assert.match(text, /relevo_calls_started_total\{project="acme",trunk="carrier"\} 2/);
    assert.match(
      text,
      /relevo_transfers_total\{outcome="completed",method="invite",reason="user_request"\} 1/,
    );
    assert.match(text, /relevo_transfer_gap_seconds_bucket\{le="0\.02"\} 1/);
    assert.match(text, /relevo_transfer_duration_seconds_sum 0\.55/);
    assert.match(text, /relevo_calls\{state="connecting"\} 1/);
  });

  it('takes counters of other threads over as they stand, however often it is read', async () => {
    const metrics = new Metrics();
    const sip = [
      { direction: 'in', method: 'INVITE', status: null, count: 5 },
      { direction: 'in', method: 'EVIL1', status: null, count: 1 },
      { direction: 'in', method: 'EVIL2', status: null, count: 1 },
    ] as const;
    metrics.read(new CallBook(), readings, sip);
    metrics.read(new CallBook(), readings, sip);
    const text = await metrics.text();
    assert.match(text, /relevo_thread_cpu_seconds_total\{thread="signalling"\} 1\.5/);
    for (const line of [
      'relevo_thread_heap_bytes{thread="signalling",kind="heap"} 5000',
      'relevo_thread_heap_bytes{thread="signalling",kind="external"} 700',
      'relevo_legs{side="signalling"} 6',
      'relevo_legs{side="media"} 5',
      'relevo_timers{of="calls"} 2',
      'relevo_timers{of="transactions"} 15',
      'relevo_transfers_in_flight 1',
      'relevo_sip_dialogs 4',
      'relevo_sip_connections 4',
      'relevo_sip_requests_pending{direction="out"} 2',
      'relevo_sip_transactions{kind="non_invite_server"} 14',
    ])
      assert.ok(text.split('\n').includes(line), line);
    assert.match(text, /relevo_calls_refused_total\{reason="unknown_number"\} 2/);
    assert.match(
      text,
      /relevo_sip_traced_messages_total\{direction="in",method="INVITE",status="request"\} 5/,
    );
    assert.match(
      text,
      /relevo_sip_traced_messages_total\{direction="in",method="other",status="request"\} 2/,
    );
    assert.match(text, /relevo_sip_messages_total\{direction="out"\} 71/);
    assert.doesNotMatch(text, /EVIL/);
  });
});
