import assert from 'node:assert/strict';
import type { TransferSettings } from '../../../../src/call/project.js';
import { CallBench, sdp } from '../../../support/call/call-bench.js';
import { makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';

const [CALLER, BOT, AGENT] = ['c1.1', 'c1.2', 'c1.3'] as const;

/** The agent has pressed the digit: all three are to hear each other. */
function together(more: Partial<TransferSettings> = {}, trunk = makeTrunk()): CallBench {
  const threeWay = { durationMs: 8_000, digit: '#' };
  const project = makeProject({}, { mode: 'attended', acceptDigit: '1', threeWay, ...more });
  const bench = new CallBench({ project, plan: makePlan(project), trunk }).withBot();
  bench.transfer();
  bench.provisional(AGENT);
  bench.accepted(AGENT);
  bench.media({ kind: 'dtmf', legId: AGENT, digit: '1', durationMs: 100 });
  return bench;
}
const progress = (bench: CallBench): string[] =>
  bench.records.flatMap((one) => (one.kind === 'transfer.progress' ? [one.progress] : []));
const hear = (bench: CallBench): (string | null)[] => [CALLER, BOT, AGENT].map((leg) => bench.hears(leg));

function assertTwoAreLeft(bench: CallBench): void {
  assert.equal(bench.hears(CALLER), AGENT);
  assert.equal(bench.hears(AGENT), CALLER);
  assert.equal(bench.result().outcome, 'completed');
  assert.equal(bench.call.state, 'with_agent');
}

describe('three at the table: the end of an attended transfer with three_way', () => {
  it('caller, bot and agent hear each other until the bound; then the bot gets BYE and two go on', () => {
    const bench = together();
    assert.deepEqual(hear(bench), ['c1.2+c1.3', 'c1.1+c1.3', 'c1.1+c1.2']);
    assert.equal(bench.results().length, 0);
    assert.equal(bench.call.state, 'transferring');
    bench.clock.advance(7_999);
    assert.equal(bench.sent('bye').length, 0);
    bench.clock.advance(1);
    assertTwoAreLeft(bench);
    assert.deepEqual(
      bench.sent('bye').map((one) => one.legId),
      [BOT],
    );
    assert.deepEqual(progress(bench).slice(-4), ['accepted', 'three_way', 'three_way_over', 'connected']);
    const { humanConnectedAt } = bench.result();
    assert.equal(
      humanConnectedAt,
      bench.clock.wallMs() - 8_000,
      'the caller hears the person from the beginning',
    );
    bench.bye(CALLER);
    bench.assertOver();
  });

  const early: Record<string, (bench: CallBench) => void> = {
    'the bot says done': (bench) => bench.info(BOT, { event: 'done' }),
    'the bot says accept_transfer': (bench) => bench.info(BOT, { event: 'accept_transfer' }),
    'the bot says hangup': (bench) => bench.info(BOT, { event: 'hangup' }),
    'the API says done for the bot': (bench) =>
      bench.order({ kind: 'botEvent', event: { kind: 'custom', name: 'done', data: {} } }),
    'the bot hangs up': (bench) => bench.bye(BOT),
    'the bot breaks down': (bench) => bench.bye(BOT, { Reason: 'SIP;cause=500' }),
    'the agent presses the digit': (bench) =>
      bench.media({ kind: 'dtmf', legId: AGENT, digit: '#', durationMs: 100 }),
    'the agent sends the digit by INFO': (bench) =>
      bench.request(AGENT, 'INFO', {
        contentType: 'application/dtmf-relay',
        body: 'Signal=#\r\nDuration=100',
      }),
  };
  for (const [name, give] of Object.entries(early)) {
    it(`ends early: ${name}`, () => {
      const bench = together();
      bench.clock.advance(1_000);
      give(bench);
      assertTwoAreLeft(bench);
      bench.clock.advance(60_000);
      assert.equal(bench.call.state, 'with_agent', 'the bound means nothing any more');
      bench.bye(AGENT);
      bench.assertOver();
    });
  }

  it('another digit of the agent, and every digit of the caller, changes nothing', () => {
    const bench = together();
    for (const [legId, digit] of [
      [AGENT, '1'],
      [CALLER, '#'],
      [CALLER, '0'],
    ] as const)
      bench.media({ kind: 'dtmf', legId, digit, durationMs: 100 });
    assert.deepEqual(hear(bench), ['c1.2+c1.3', 'c1.1+c1.3', 'c1.1+c1.2']);
    assert.deepEqual(bench.breaches, []);
  });

  it('the agent hangs up: the caller stays with the bot on the same session; declined, though they had talked', () => {
    const bench = together({ onFailure: ['next', 'hangup'] });
    bench.bye(AGENT);
    assert.equal(bench.hears(CALLER), BOT);
    assert.equal(bench.hears(BOT), CALLER);
    const result = bench.result();
    assert.equal(result.outcome, 'declined');
    assert.equal(result.attempts[0]?.endedBy, 'agent');
    assert.notEqual(result.humanConnectedAt, null);
    assert.equal(bench.call.state, 'with_bot');
    assert.equal(bench.sent('bye').length, 0);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('the caller hangs up: caller_gone; the bot gets BYE, the agent the notice, then BYE', () => {
    const bench = together();
    bench.bye(CALLER);
    assert.equal(bench.result().outcome, 'caller_gone');
    assert.equal(bench.sent('bye', BOT).length, 1);
    assert.equal(bench.hears(AGENT), 'file');
    bench.media({ kind: 'played', legId: AGENT, promptId: 'caller-gone' });
    assert.equal(bench.sent('bye', AGENT).length, 1);
    bench.assertOver();
  });

  it('cancelled through the API: the agent gets BYE, the caller and the bot go on', () => {
    const bench = together();
    assert.deepEqual(bench.order({ kind: 'cancelTransfer', transferId: 't1' }), { accepted: true });
    assert.equal(bench.sent('bye', AGENT).length, 1);
    assert.equal(bench.hears(CALLER), BOT);
    assert.equal(bench.result().outcome, 'cancelled');
    bench.bye(BOT);
    bench.assertOver();
  });

  it('who holds is left out of what the others hear, and its music is not heard; then it is back', () => {
    const bench = together();
    bench.request(AGENT, 'INVITE', { body: sdp('sendonly') });
    assert.equal(bench.hears(CALLER), BOT);
    assert.equal(bench.hears(BOT), CALLER);
    assert.deepEqual(bench.requests('INVITE'), [], 'the others are not held');
    bench.request(AGENT, 'INVITE', { body: sdp('sendrecv') });
    assert.deepEqual(hear(bench).slice(0, 2), ['c1.2+c1.3', 'c1.1+c1.3']);
    bench.request(CALLER, 'INVITE', { body: sdp('sendonly') });
    assert.equal(bench.hears(AGENT), BOT);
    bench.clock.advance(8_000);
    assert.equal(bench.hears(AGENT), 'music', 'the caller holds still when two are left');
    assert.match(bench.requests('INVITE', AGENT).at(-1)?.body ?? '', /sendonly/);
    bench.request(CALLER, 'INVITE', { body: sdp('sendrecv') });
    assertTwoAreLeft(bench);
  });

  it('the bound of the whole transfer does not cut a conversation short', () => {
    const bench = together({ threeWay: { durationMs: 300_000, digit: null } });
    bench.clock.advance(200_000);
    assert.equal(bench.results().length, 0);
    bench.clock.advance(100_000);
    assertTwoAreLeft(bench);
  });

  it('a second transfer is refused meanwhile, and REFER of the bot gets 491', () => {
    const bench = together();
    const second = bench.transfer({ transferId: 't2' });
    assert.ok(!second.accepted && second.code === 'transfer_in_flight');
    const refer = bench.request(BOT, 'REFER', { headers: { 'refer-to': '<sip:second@relevo>' } });
    assert.equal(bench.statusOf(refer), 491);
  });

  it('completed by INVITE with Replaces: the two talk on while the phone takes the second dialog', () => {
    const bench = together({ method: 'replaces' });
    assert.deepEqual(hear(bench), ['c1.2+c1.3', 'c1.1+c1.3', 'c1.1+c1.2']);
    bench.info(BOT, { event: 'done' });
    assert.deepEqual(hear(bench), [AGENT, 'silence', CALLER]);
    assert.equal(bench.sent('bye').length, 0, 'the bot stays until the hand-over is certain');
    bench.accepted('c1.4');
    assert.equal(bench.hears(CALLER), 'c1.4');
    assert.equal(bench.sent('bye', BOT).length, 1);
    bench.bye(AGENT);
    assert.equal(bench.result().outcome, 'completed');
    bench.bye('c1.4');
    bench.assertOver();
  });

  it('the phone ends the consultation before it takes the second dialog: music until then', () => {
    const bench = together({ method: 'replaces' });
    bench.clock.advance(8_000);
    bench.bye(AGENT);
    assert.equal(bench.hears(CALLER), 'music');
    bench.accepted('c1.4');
    assert.equal(bench.hears(CALLER), 'c1.4');
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('completed by REFER with Replaces, and by the bridge where that is refused', () => {
    const bench = together({ method: 'refer' });
    bench.bye(BOT);
    assert.deepEqual(hear(bench).slice(0, 1), [AGENT]);
    assert.equal(bench.requests('REFER', CALLER).length, 1);
    bench.respond('REFER', 405);
    assertTwoAreLeft(bench);
    bench.bye(AGENT);
    bench.assertOver();
    const taken = together({ method: 'refer' });
    taken.clock.advance(8_000);
    taken.respond('REFER', 202);
    taken.bye(AGENT);
    taken.notify(CALLER, 'SIP/2.0 200 OK', 'terminated');
    assert.equal(taken.result().outcome, 'completed');
    assert.equal(taken.sent('bye', BOT).length, 1);
    taken.bye(CALLER);
    taken.assertOver();
  });

  it('is left out where the bot is gone already, and in a blind transfer', () => {
    const project = makeProject({}, { mode: 'attended', threeWay: { durationMs: 8_000, digit: null } });
    const alone = new CallBench({ project, plan: makePlan(project) }).withBot();
    alone.transfer();
    alone.bye(BOT);
    alone.accepted(AGENT);
    assertTwoAreLeft(alone);
    const blind = new CallBench({ project, plan: makePlan(project) }).withBot();
    blind.transfer({ mode: 'blind' });
    blind.accepted(AGENT);
    assertTwoAreLeft(blind);
  });
});
