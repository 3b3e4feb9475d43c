import assert from 'node:assert/strict';
import { CALLER_GONE } from '../../../../src/call/media-port.js';
import { CallBench, sdp } from '../../../support/call/call-bench.js';
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

  it('a caller who hangs up during the consultation: caller_gone, a notice to the agent, then BYE with a reason', () => {
    const bench = consulting();
    bench.bye('c1.1');
    assert.equal(bench.result().outcome, 'caller_gone');
    assert.equal(bench.sent('bye', 'c1.3').length, 0, 'the notice comes first');
    const [notice] = bench.mediaCommands('hear', 'c1.3').slice(-1);
    assert.ok(notice?.kind === 'hear' && notice.source.kind === 'file');
    assert.equal(notice.source.file, CALLER_GONE);
    digit(bench, '1');
    bench.media({ kind: 'played', legId: 'c1.3', promptId: 'brief' });
    assert.equal(bench.sent('bye', 'c1.3').length, 0);
    bench.media({ kind: 'played', legId: 'c1.3', promptId: 'caller-gone' });
    assert.match(String(bench.sent('bye', 'c1.3')[0]?.headers['Reason']), /caller hung up/i);
    bench.assertOver();
  });

  it('a notice that never ends, or that the agent does not wait for, holds nothing', () => {
    const patient = consulting();
    patient.bye('c1.1');
    patient.clock.advance(10_000);
    assert.equal(patient.sent('bye', 'c1.3').length, 1);
    patient.assertOver();
    const hasty = consulting();
    hasty.bye('c1.1');
    hasty.bye('c1.3');
    hasty.assertOver();
    const holding = consulting();
    holding.bye('c1.1');
    holding.request('c1.3', 'INVITE', { body: sdp('sendonly') });
    assert.equal(holding.sent('bye', 'c1.3').length, 1, 'who holds hears no notice');
    holding.assertOver();
  });

  it('no notice where it is switched off, where the phone still rings, or where we end the call', () => {
    const off = consulting({ callerGoneNotice: null });
    off.bye('c1.1');
    assert.equal(off.sent('bye', 'c1.3').length, 1);
    off.assertOver();
    const project = makeProject({}, { mode: 'attended', acceptDigit: '1' });
    const ringing = new CallBench({ project, plan: makePlan(project) }).withBot();
    ringing.transfer();
    ringing.provisional('c1.3');
    ringing.bye('c1.1');
    assert.equal(ringing.sent('cancel', 'c1.3').length, 1);
    ringing.assertOver();
    const ended = consulting();
    ended.order({ kind: 'hangup', cause: 'operator' });
    assert.equal(ended.sent('bye', 'c1.3').length, 1);
    ended.assertOver();
  });

  it('an agent who waits for the completion by Replaces is told too; the second INVITE is cancelled', () => {
    const bench = consulting({ method: 'replaces' });
    digit(bench, '1');
    bench.bye('c1.1');
    assert.equal(bench.sent('cancel', 'c1.4').length, 1);
    assert.equal(bench.sent('bye', 'c1.3').length, 0);
    bench.media({ kind: 'played', legId: 'c1.3', promptId: 'caller-gone' });
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
