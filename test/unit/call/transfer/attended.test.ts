import assert from 'node:assert/strict';
import { CallBench } from '../../../support/call/call-bench.js';
import { makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';
import type { TransferSettings } from '../../../../src/call/project.js';

function consulting(more: Partial<TransferSettings> = {}, trunk = makeTrunk()): CallBench {
  const project = makeProject(
    {},
    { mode: 'attended', acceptDigit: '1', brief: 'audio', briefFile: 'brief.wav', ...more },
  );
  const bench = new CallBench({ project, plan: makePlan(project), trunk }).withBot();
  bench.transfer();
  bench.provisional('c1.3');
  bench.accepted('c1.3');
  return bench;
}
const digit = (bench: CallBench, value: string): void => {
  bench.media({ kind: 'dtmf', legId: 'c1.3', digit: value, durationMs: 100 });
};

describe('an attended transfer', () => {
  it('holds the caller with music, briefs the agent, waits for the digit and joins by the bridge', () => {
    const bench = consulting();
    assert.equal(bench.hears('c1.1'), 'music');
    assert.equal(bench.hears('c1.2'), 'silence');
    assert.equal(bench.hears('c1.3'), 'file');
    bench.media({ kind: 'played', legId: 'c1.3', promptId: 'brief' });
    digit(bench, '5');
    assert.equal(bench.hears('c1.1'), 'music');
    digit(bench, '1');
    assert.equal(bench.hears('c1.1'), 'c1.3');
    assert.deepEqual(
      bench.sent('bye').map((one) => one.legId),
      ['c1.2'],
    );
    assert.equal(bench.result().outcome, 'completed');
    assert.equal(bench.result().mode, 'attended');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('lets the bot brief the agent; the caller hears none of it', () => {
    const bench = consulting({ brief: 'bot' });
    assert.equal(bench.hears('c1.3'), 'c1.2');
    assert.equal(bench.hears('c1.2'), 'c1.3');
    assert.equal(bench.hears('c1.1'), 'music');
    digit(bench, '1');
    assert.equal(bench.hears('c1.1'), 'c1.3');
  });

  it('an agent who hangs up before taking the call declined it; the bot resumes', () => {
    const bench = consulting();
    bench.bye('c1.3');
    assert.equal(bench.result().outcome, 'declined');
    assert.equal(bench.result().attempts[0]?.endedBy, 'agent');
    assert.equal(bench.hears('c1.1'), 'c1.2');
  });

  it('an agent who does not press the digit did not answer', () => {
    const bench = consulting();
    bench.media({ kind: 'played', legId: 'c1.3', promptId: 'brief' });
    bench.clock.advance(10_000);
    assert.equal(bench.result().outcome, 'no_answer');
    assert.equal(bench.sent('bye', 'c1.3').length, 1);
    assert.equal(bench.hears('c1.1'), 'c1.2');
  });

  it('a caller who hangs up during the consultation: BYE to the agent with a reason, caller_gone', () => {
    const bench = consulting();
    bench.bye('c1.1');
    assert.match(String(bench.sent('bye', 'c1.3')[0]?.headers['Reason']), /caller hung up/i);
    assert.equal(bench.result().outcome, 'caller_gone');
    bench.assertOver();
  });

  it('completes by INVITE with Replaces: names our consultation, goes to the Contact, moves the media', () => {
    const bench = consulting({ method: 'replaces' });
    digit(bench, '1');
    const invite = bench.sent('invite')[2]!;
    assert.equal(invite.uri, 'sip:agent@10.0.0.9:5062');
    assert.equal(invite.headers['Replaces'], 'c1.3@relevo;to-tag=r-c1.3;from-tag=l-c1.3');
    assert.equal(invite.from.user, '+5491144440000');
    bench.accepted('c1.4');
    assert.equal(bench.hears('c1.1'), 'c1.4');
    assert.equal(bench.sent('bye', 'c1.3').length, 0, 'the peer ends the replaced dialog');
    bench.bye('c1.3');
    assert.equal(bench.result().outcome, 'completed');
    assert.deepEqual(
      bench.result().attempts.map((one) => one.method),
      ['invite', 'replaces'],
    );
    bench.bye('c1.4');
    bench.assertOver();
  });

  it('joins by the bridge where nobody answers the INVITE with Replaces: not after the time of ringing', () => {
    const bench = consulting({ method: 'replaces' });
    digit(bench, '1');
    bench.clock.advance(4_999);
    assert.equal(bench.hears('c1.1'), 'music');
    bench.clock.advance(1);
    assert.equal(bench.hears('c1.1'), 'c1.3');
    assert.equal(bench.result().outcome, 'completed');
    bench.rejected('c1.4', 487);
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('ends the replaced consultation itself after the grace period', () => {
    const bench = consulting({ method: 'replaces' });
    digit(bench, '1');
    bench.accepted('c1.4');
    bench.clock.advance(3_000);
    assert.equal(bench.sent('bye', 'c1.3').length, 1);
    assert.equal(bench.call.state, 'with_agent');
  });

  it('joins by the bridge after all when the INVITE with Replaces is refused', () => {
    const bench = consulting({ method: 'replaces' });
    digit(bench, '1');
    bench.rejected('c1.4', 481);
    assert.equal(bench.hears('c1.1'), 'c1.3');
    assert.equal(bench.result().outcome, 'completed');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('completes by REFER with Replaces escaped inside the Refer-To URI', () => {
    const bench = consulting({ method: 'auto' }, makeTrunk({ transferMethod: 'refer' }));
    digit(bench, '1');
    const [refer] = bench.requests('REFER', 'c1.1');
    assert.match(
      String(refer?.headers['Refer-To']),
      /^<sip:agent@10\.0\.0\.9:5062\?Replaces=c1\.3%40relevo%3Bto-tag%3Dr-c1\.3%3Bfrom-tag%3Dl-c1\.3/,
    );
    assert.equal(refer?.headers['Replaces'], undefined);
    bench.respond('REFER', 202);
    bench.bye('c1.3');
    bench.notify('c1.1', 'SIP/2.0 200 OK', 'terminated');
    assert.equal(bench.result().outcome, 'completed');
    bench.bye('c1.1');
    bench.assertOver();
  });

  for (const [who, supported] of [
    ['caller', { caller: [], agent: ['replaces'] }],
    ['agent', { caller: ['replaces'], agent: ['timer'] }],
  ] as const) {
    it(`joins by the bridge where the ${who} says that it has no Replaces: nobody is rung anew`, () => {
      const project = makeProject({}, { mode: 'attended', method: 'refer', acceptDigit: '1' });
      const peer = { allow: ['INVITE', 'REFER'], supported: supported.caller, userAgent: null };
      const bench = new CallBench({ project, plan: makePlan(project) }).withBot({ peer });
      bench.transfer();
      bench.accepted('c1.3', undefined, { supported: supported.agent });
      digit(bench, '1');
      assert.deepEqual(bench.requests('REFER'), []);
      assert.equal(bench.hears('c1.1'), 'c1.3');
      assert.equal(bench.result().outcome, 'completed');
      bench.bye('c1.1');
      bench.assertOver();
    });
  }

  it('joins by the bridge when that REFER is refused', () => {
    const bench = consulting({ method: 'refer' });
    digit(bench, '1');
    bench.respond('REFER', 405);
    assert.equal(bench.hears('c1.1'), 'c1.3');
    assert.equal(bench.result().outcome, 'completed');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('keeps the consultation while the last NOTIFY of that REFER is awaited', () => {
    const bench = consulting({ method: 'refer' });
    digit(bench, '1');
    bench.respond('REFER', 202);
    bench.bye('c1.1');
    assert.equal(bench.sent('bye', 'c1.3').length, 0);
    bench.clock.advance(1_000);
    assert.equal(bench.result().outcome, 'completed_unconfirmed');
    bench.assertOver();
  });

  it('goes on when the briefing bot breaks down: the agent can still press the digit', () => {
    const bench = consulting({ brief: 'bot' });
    bench.bye('c1.2');
    digit(bench, '1');
    assert.equal(bench.hears('c1.1'), 'c1.3');
    assert.equal(bench.result().outcome, 'completed');
  });
});
