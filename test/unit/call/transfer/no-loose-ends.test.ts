import assert from 'node:assert/strict';
import type { GroupDestination, TransferSettings } from '../../../../src/call/project.js';
import { CallBench } from '../../../support/call/call-bench.js';
import { DESTINATIONS, makePlan, makeProject } from '../../../support/call/call-plan.js';

const TEAM: GroupDestination = {
  name: 'team',
  ringTimeoutMs: null,
  type: 'group',
  strategy: 'simultaneous',
  members: ['desk', 'second', 'front'],
  hours: null,
  maxConcurrent: null,
  overflow: [],
};

function bench(transfer: Partial<TransferSettings> = {}): CallBench {
  const project = makeProject({}, transfer);
  const plan = makePlan(project, { destinations: { ...DESTINATIONS, team: TEAM } });
  return new CallBench({ project, plan }).withBot();
}

const inFlight = (made: CallBench): string[] =>
  made.records.flatMap((one) => (one.kind === 'transfer.started' ? [one.transferId] : []));

describe('phones of a simultaneous group that lose', () => {
  it('get CANCEL with the reason the moment that one of them is answered, ringing or not', () => {
    const made = bench({ to: 'team' });
    made.auto.cancels = false;
    made.transfer();
    made.provisional('c1.3');
    // c1.4 has said nothing yet.
    made.provisional('c1.5');
    made.accepted('c1.5');
    for (const loser of ['c1.3', 'c1.4']) {
      const [cancel, ...more] = made.sent('cancel', loser);
      assert.match(String(cancel?.headers['Reason']), /cause=200;text="Call completed elsewhere"/);
      assert.deepEqual(more, []);
      made.rejected(loser, 487);
    }
    assert.equal(made.sent('cancel', 'c1.5').length, 0);
    assert.equal(made.hears('c1.1'), 'c1.5');
    made.bye('c1.1');
    made.assertOver();
  });

  it('get CANCEL at the accept digit only: until then the next one may still take the call', () => {
    const made = bench({ to: 'team', acceptDigit: '1' });
    made.transfer();
    for (const leg of ['c1.3', 'c1.4', 'c1.5']) made.provisional(leg);
    made.accepted('c1.3');
    assert.equal(made.sent('cancel').length, 0);
    made.accepted('c1.4');
    made.media({ kind: 'dtmf', legId: 'c1.4', digit: '1', durationMs: 90 });
    assert.equal(made.sent('bye', 'c1.3').length, 1, 'who answered and did not take it');
    assert.equal(made.sent('cancel', 'c1.5').length, 1, 'who did not answer');
    assert.equal(made.hears('c1.1'), 'c1.4');
    made.bye('c1.4');
    made.assertOver();
  });

  it('get CANCEL where the caller hangs up, the transfer is cancelled or takes too long', () => {
    const ends: Readonly<Record<string, (made: CallBench) => void>> = {
      caller_gone: (made) => made.bye('c1.1'),
      cancelled: (made) => made.order({ kind: 'cancelTransfer', transferId: 't1' }),
      timeout: (made) => made.input({ port: 'timer', name: 'transfer.total' }),
    };
    for (const [outcome, end] of Object.entries(ends)) {
      const made = bench({ to: 'team' });
      made.transfer();
      for (const leg of ['c1.3', 'c1.4', 'c1.5']) made.provisional(leg);
      end(made);
      for (const leg of ['c1.3', 'c1.4', 'c1.5'])
        assert.equal(made.sent('cancel', leg).length, 1, `${outcome}: ${leg}`);
      assert.equal(made.result().outcome, outcome);
    }
  });
});

describe('a transfer cancelled on request', () => {
  const attended = {
    mode: 'attended',
    acceptDigit: '1',
    threeWay: { durationMs: 60_000, digit: null },
  } as const;

  it('while the three talk, when no bound of the whole runs: BYE to the agent, the caller goes on with the bot', () => {
    const made = bench(attended);
    made.transfer();
    made.accepted('c1.3');
    made.media({ kind: 'dtmf', legId: 'c1.3', digit: '1', durationMs: 90 });
    assert.equal(made.hears('c1.1'), 'c1.2+c1.3');
    assert.ok(!made.pendingTimers.includes('transfer.total'), 'a conversation is not waiting');
    assert.deepEqual(made.order({ kind: 'cancelTransfer', transferId: 't1' }), { accepted: true });
    assert.equal(made.sent('bye', 'c1.3').length, 1);
    assert.equal(made.sent('bye', 'c1.2').length, 0);
    assert.equal(made.hears('c1.1'), 'c1.2');
    assert.equal(made.result().outcome, 'cancelled');
    assert.equal(made.call.state, 'with_bot');
    made.bye('c1.1');
    made.assertOver();
  });

  it('is refused once the outcome is certain, and changes nothing', () => {
    const made = bench({ method: 'invite' });
    made.auto.gaps = false;
    made.transfer();
    made.accepted('c1.3');
    const { accepted } = made.order({ kind: 'cancelTransfer', transferId: inFlight(made)[0]! });
    assert.equal(accepted, false);
    assert.equal(made.sent('bye', 'c1.3').length, 0);
    made.clock.advance(2_000);
    assert.equal(made.result().outcome, 'completed');
  });
});

describe('an outcome that is certain', () => {
  it('stands where the call is ended by force before its silence was measured', () => {
    const made = bench({ method: 'invite' });
    made.auto.gaps = false;
    made.auto.closes = false;
    made.transfer();
    made.provisional('c1.3');
    made.bye('c1.1');
    assert.deepEqual(made.results(), [], 'the figure is awaited');
    made.input({ port: 'timer', name: 'ending' });
    const { outcome, gapMs, detail } = made.result();
    assert.deepEqual([outcome, gapMs], ['caller_gone', null]);
    assert.match(detail, /hung up/);
    assert.equal(made.ended, 1);
    assert.equal(made.eventNames().includes('internal_error'), false);
  });

  it('is told once to whoever asked by REFER, with the first word of it', () => {
    const made = bench({ method: 'invite' });
    made.auto.gaps = false;
    made.auto.closes = false;
    made.request('c1.2', 'REFER', { headers: { 'refer-to': '<sip:desk@relevo>' } });
    made.provisional('c1.3');
    made.bye('c1.1');
    made.input({ port: 'timer', name: 'ending' });
    const last = made.requests('NOTIFY', 'c1.2').map((one) => (one.body ?? '').trim());
    assert.deepEqual(last, ['SIP/2.0 100 Trying', 'SIP/2.0 180 Ringing', 'SIP/2.0 487 Request Terminated']);
    assert.equal(made.result().outcome, 'caller_gone');
  });
});
