import assert from 'node:assert/strict';
import { CallBench, sdp } from '../../../support/call/call-bench.js';
import { DESTINATIONS, makePlan, makeProject, UUI } from '../../../support/call/call-plan.js';

const group = {
  name: 'support',
  ringTimeoutMs: null,
  type: 'group',
  strategy: 'sequential',
  members: ['desk', 'second'],
  hours: null,
  maxConcurrent: null,
  overflow: [],
} as const;

function withGroup(
  transfer: Parameters<typeof makeProject>[1] = {},
  strategy: 'sequential' | 'simultaneous' = 'sequential',
) {
  const project = makeProject({}, { to: 'support', ...transfer });
  const plan = makePlan(project, { destinations: { ...DESTINATIONS, support: { ...group, strategy } } });
  return new CallBench({ project, plan }).withBot();
}

describe('a blind transfer by a bridged INVITE', () => {
  it('plays music, rings the person, joins both ways, then sends BYE to the bot', () => {
    const bench = new CallBench().withBot();
    assert.deepEqual(bench.transfer(), { accepted: true });
    assert.equal(bench.hears('c1.1'), 'music');
    assert.equal(bench.hears('c1.2'), 'silence');
    const invite = bench.sent('invite')[1]!;
    assert.equal(invite.uri, 'sip:201@10.0.0.7:5080');
    assert.equal(invite.from.user, '+5491144440000');
    assert.ok(invite.headers['Referred-By']);
    bench.clock.advance(1_000);
    bench.provisional('c1.3');
    bench.clock.advance(4_000);
    const before = bench.commands.length;
    bench.accepted('c1.3');
    const after = bench.commands.slice(before);
    const heard = after.findIndex(
      (one) => one.port === 'media' && one.command.kind === 'hear' && one.command.legId === 'c1.1',
    );
    const bye = after.findIndex((one) => one.port === 'signalling' && one.command.kind === 'bye');
    assert.ok(heard >= 0 && bye > heard, 'the caller hears the person before the bot is let go');
    assert.equal(bench.hears('c1.1'), 'c1.3');
    assert.equal(bench.hears('c1.3'), 'c1.1');
    const result = bench.result();
    assert.equal(result.outcome, 'completed');
    assert.equal(result.gapMs, 20);
    assert.equal(result.attempts[0]?.ringMs, 4_000);
    assert.equal(result.attempts[0].sipStatus, 200);
    assert.ok(result.humanConnectedAt);
    bench.bye('c1.3');
    assert.equal(bench.endRecord().endedBy, 'agent');
    bench.assertOver();
  });

  it('shows the legs that are left once the bot has gone', () => {
    const bench = new CallBench().withBot();
    bench.transfer();
    bench.accepted('c1.3');
    const shown = bench.records.findLast((one) => one.kind === 'call.state');
    assert.deepEqual(
      shown?.legs.map((leg) => leg.party),
      ['caller', 'agent'],
    );
    bench.bye('c1.3');
    bench.assertOver();
  });

  for (const [status, outcome] of [
    [486, 'busy'],
    [600, 'busy'],
    [480, 'no_answer'],
    [408, 'no_answer'],
    [603, 'declined'],
    [403, 'declined'],
    [404, 'bad_destination'],
    [484, 'bad_destination'],
    [604, 'bad_destination'],
    [488, 'media_failed'],
    [606, 'media_failed'],
    [503, 'unavailable'],
    [302, 'unavailable'],
  ] as const) {
    it(`${status} from the target is ${outcome}, and the bot resumes on the same session and is told`, () => {
      const bench = new CallBench().withBot();
      bench.transfer();
      bench.rejected('c1.3', status);
      assert.equal(bench.result().outcome, outcome);
      assert.equal(bench.result().attempts[0]?.sipStatus, status);
      assert.equal(bench.hears('c1.1'), 'c1.2');
      assert.equal(bench.hears('c1.2'), 'c1.1');
      assert.equal(bench.call.state, 'with_bot');
      bench.bye('c1.1');
      bench.assertOver();
    });
  }

  it('tells a bot that asked by INFO what became of it', () => {
    const bench = new CallBench().withBot();
    const asked = bench.info('c1.2', { event: 'transfer', to: 'desk', summary: 'wants a refund' });
    assert.equal(bench.statusOf(asked), 200);
    bench.rejected('c1.3', 486);
    const [told] = bench.requests('INFO', 'c1.2');
    const body = JSON.parse(told?.body ?? '{}') as Record<string, unknown>;
    assert.equal(body['event'], 'transfer_result');
    assert.equal(body['outcome'], 'busy');
  });

  it('CANCELs a target that does not answer within its ring time: no_answer', () => {
    const bench = new CallBench().withBot();
    bench.transfer();
    bench.provisional('c1.3');
    bench.clock.advance(25_000);
    assert.equal(bench.sent('cancel', 'c1.3').length, 1);
    assert.equal(bench.result().outcome, 'no_answer');
    assert.equal(bench.result().attempts[0]?.ringMs, 25_000);
  });

  it('sends BYE to an answer that crossed our CANCEL', () => {
    const bench = new CallBench().withBot();
    bench.auto.cancels = false;
    bench.transfer();
    bench.provisional('c1.3');
    bench.clock.advance(25_000);
    bench.accepted('c1.3');
    assert.equal(bench.sent('bye', 'c1.3').length, 1);
    assert.equal(bench.hears('c1.1'), 'c1.2');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('CANCELs at once when the caller hangs up while the target rings: caller_gone', () => {
    const bench = new CallBench().withBot();
    bench.transfer();
    bench.provisional('c1.3');
    bench.bye('c1.1');
    assert.equal(bench.sent('cancel', 'c1.3').length, 1);
    assert.equal(bench.result().outcome, 'caller_gone');
    assert.equal(bench.result().attempts[0]?.endedBy, 'caller');
    assert.equal(bench.result().gapMs, 20);
    bench.assertOver();
  });

  it('goes to the next member of a group, and lists every attempt', () => {
    const bench = withGroup();
    bench.transfer();
    bench.rejected('c1.3', 486);
    assert.equal(bench.hears('c1.1'), 'music');
    bench.accepted('c1.4');
    const { outcome, attempts } = bench.result();
    assert.equal(outcome, 'completed');
    assert.deepEqual(
      attempts.map((one) => [one.destination, one.sipStatus]),
      [
        ['desk', 486],
        ['second', 200],
      ],
    );
  });

  it('rings a simultaneous group at once; the first answer wins and the others are CANCELled', () => {
    const bench = withGroup({}, 'simultaneous');
    bench.transfer();
    assert.deepEqual(
      bench.sent('invite').map((one) => one.legId),
      ['c1.2', 'c1.3', 'c1.4'],
    );
    bench.provisional('c1.3');
    bench.provisional('c1.4');
    bench.accepted('c1.4');
    assert.equal(bench.sent('cancel', 'c1.3').length, 1);
    assert.equal(bench.hears('c1.1'), 'c1.4');
    assert.equal(bench.result().outcome, 'completed');
    assert.equal(bench.result().attempts.length, 2);
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('announces the failure to the caller before the bot resumes', () => {
    const bench = new CallBench({
      project: makeProject({}, { onFailure: ['announce', 'resume-bot'], announceFile: 'sorry.wav' }),
    });
    bench.withBot().transfer();
    bench.rejected('c1.3', 486);
    assert.equal(bench.hears('c1.1'), 'file');
    assert.equal(bench.results().length, 0);
    bench.media({ kind: 'played', legId: 'c1.1', promptId: 'announce' });
    assert.equal(bench.hears('c1.1'), 'c1.2');
    assert.equal(bench.result().outcome, 'busy');
  });

  it('hangs up after a failure where the project wants it', () => {
    const bench = new CallBench({ project: makeProject({}, { onFailure: ['hangup'] }) }).withBot();
    bench.transfer();
    bench.rejected('c1.3', 486);
    assert.equal(bench.endRecord().cause, 'transfer_failed: busy');
    bench.assertOver();
  });

  it('ends by the bound of the whole transfer: timeout', () => {
    const { timers } = makeProject().transfer;
    const bench = new CallBench({
      project: makeProject({}, { timers: { ...timers, totalMs: 10_000 } }),
    }).withBot();
    bench.transfer();
    bench.clock.advance(10_000);
    assert.equal(bench.sent('cancel', 'c1.3').length, 1);
    assert.equal(bench.result().outcome, 'timeout');
    assert.equal(bench.call.state, 'with_bot');
  });

  it('is cancelled in flight by order, and the bot resumes', () => {
    const bench = new CallBench().withBot();
    bench.transfer();
    assert.deepEqual(bench.order({ kind: 'cancelTransfer', transferId: 't1' }), { accepted: true });
    assert.equal(bench.result().outcome, 'cancelled');
    assert.equal(bench.hears('c1.1'), 'c1.2');
    const again = bench.order({ kind: 'cancelTransfer', transferId: 't1' });
    assert.equal(again.accepted ? '' : again.code, 'unknown_transfer');
  });

  it('lets one transfer be in flight; the same id again is the same request', () => {
    const bench = new CallBench().withBot();
    bench.transfer();
    const second = bench.transfer({ transferId: 't2' });
    assert.equal(second.accepted ? '' : second.code, 'transfer_in_flight');
    assert.deepEqual(bench.transfer(), { accepted: true });
    assert.equal(bench.sent('invite').length, 2);
  });

  it('refuses a target that the project does not allow before any SIP is sent', () => {
    const bench = new CallBench().withBot();
    const refused = bench.transfer({ to: 'sip:evil@203.0.113.66' });
    assert.equal(refused.accepted ? '' : refused.code, 'not_allowed');
    assert.equal(bench.sent('invite').length, 1);
    assert.equal(bench.result().outcome, 'not_allowed');
    assert.equal(bench.call.state, 'with_bot');
  });

  it('goes on when the bot leaves while the target rings, and the caller hears music', () => {
    const bench = new CallBench({ project: makeProject({}, { waiting: 'bot' }) }).withBot();
    bench.transfer();
    assert.equal(bench.hears('c1.1'), 'c1.2');
    bench.bye('c1.2');
    assert.equal(bench.hears('c1.1'), 'music');
    bench.accepted('c1.3');
    assert.equal(bench.result().outcome, 'completed');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('invites the bot anew where it left and the transfer failed', () => {
    const bench = new CallBench().withBot();
    bench.transfer();
    bench.bye('c1.2');
    bench.rejected('c1.3', 486);
    assert.equal(bench.sent('invite').at(-1)?.uri, 'sip:bot@10.0.0.5:5070');
    bench.accepted('c1.4');
    assert.equal(bench.hears('c1.1'), 'c1.4');
    assert.equal(bench.call.state, 'with_bot');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('plays early media of the person in place of ringback', () => {
    const bench = new CallBench({ project: makeProject({}, { waiting: 'ringback' }) }).withBot();
    bench.transfer();
    assert.equal(bench.hears('c1.1'), 'ringback');
    bench.provisional('c1.3', 183, sdp());
    assert.equal(bench.hears('c1.1'), 'c1.3');
  });

  it('gives the caller back to a bot after the person hung up where the project wants it', () => {
    const bench = new CallBench({ project: makeProject({}, { afterAgent: 'resume-bot' }) }).withBot();
    bench.transfer();
    bench.accepted('c1.3');
    bench.bye('c1.3');
    assert.equal(bench.hears('c1.1'), 'music');
    bench.accepted('c1.4');
    assert.equal(bench.hears('c1.1'), 'c1.4');
    assert.equal(bench.call.state, 'with_bot');
  });

  it('dials the digits after the answer of a number with an extension', () => {
    const project = makeProject({}, { allow: [{ to: '+549*', trunk: 'carrier' }] });
    const bench = new CallBench({ project }).withBot();
    bench.transfer({ to: '+5491155550199;postd=201' });
    assert.equal(bench.sent('invite')[1]?.uri, 'sip:+5491155550199@sbc1.example.net');
    bench.accepted('c1.3');
    assert.deepEqual(
      bench.mediaCommands('sendDtmf', 'c1.3').map((one) => (one.kind === 'sendDtmf' ? one.digits : '')),
      ['201'],
    );
  });

  it('stops a call that goes in circles after ten transfers', () => {
    const bench = new CallBench().withBot();
    for (let count = 1; count <= 10; count += 1) {
      bench.transfer({ transferId: `t${count}` });
      bench.rejected(`c1.${count + 2}`, 486);
    }
    const refused = bench.transfer({ transferId: 't11' });
    assert.equal(refused.accepted ? '' : refused.code, 'not_allowed');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('carries the context: headers, User-to-User, and nothing that could break a header or forge one', () => {
    const project = makeProject(
      {},
      {
        headers: { 'X-Reason': '{reason}', 'X-Tier': '{header.X-Tier}', Via: 'x' },
        uui: UUI,
      },
    );
    const bench = new CallBench({ project }).withBot({ headers: { 'x-tier': 'gold' } });
    bench.transfer({
      summary: 'refund',
      headers: { 'X-Note': 'a\r\nVia: evil\r\n\r\n{caller}', Contact: '<sip:evil>' },
    });
    const { headers } = bench.sent('invite')[1]!;
    assert.equal(headers['X-Reason'], 'operator');
    assert.equal(headers['X-Tier'], 'gold');
    assert.equal(headers['X-Note'], 'a Via: evil caller');
    assert.equal(headers['User-to-User'], `${Buffer.from('refund').toString('hex')};encoding=hex`);
    assert.equal(headers['Via'], undefined);
    assert.equal(headers['Contact'], undefined);
    assert.equal(bench.eventNames().filter((name) => name === 'header_refused').length, 2);
  });

  it('gives the accept gate to a blind transfer too: a voicemail does not get the caller', () => {
    const bench = new CallBench({ project: makeProject({}, { acceptDigit: '1' }) }).withBot();
    bench.transfer();
    bench.accepted('c1.3');
    assert.equal(bench.hears('c1.1'), 'music');
    bench.clock.advance(10_000);
    assert.equal(bench.result().outcome, 'no_answer');
    assert.equal(bench.sent('bye', 'c1.3').length, 1);
    assert.equal(bench.hears('c1.1'), 'c1.2');
  });

  it('counts a destination as busy until nothing of its leg is left', () => {
    const bench = new CallBench().withBot();
    bench.transfer();
    assert.equal(bench.directory.busy('desk'), 1);
    bench.accepted('c1.3');
    assert.equal(bench.directory.busy('desk'), 1);
    bench.bye('c1.1');
    assert.equal(bench.directory.busy('desk'), 0);
  });
});
