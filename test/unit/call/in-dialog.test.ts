import assert from 'node:assert/strict';
import { CallBench } from '../../support/call/call-bench.js';
import { makeProject } from '../../support/call/call-plan.js';
import type { PolicyDecision } from '../../../src/call/decision.js';
import { replacingInvite } from '../../support/call/replacing-invite.js';

const wish: PolicyDecision = {
  kind: 'transfer',
  rule: 'pressed zero',
  reason: 'user_request',
  to: null,
  mode: null,
  method: null,
  evidence: 'digit 0',
};

describe('requests inside the dialogs, and triggers', () => {
  it('asks the policy about a digit, with a deadline and a default, and follows its decision', () => {
    const bench = new CallBench().withBot({ headers: { 'x-tier': 'gold' } });
    bench.decide = () => wish;
    bench.media({ kind: 'dtmf', legId: 'c1.1', digit: '0', durationMs: 100 });
    const { question, fallback, deadlineMs } = bench.questions[0]!;
    assert.deepEqual(question.event, { kind: 'dtmf', digit: '0' });
    assert.equal(question.facts.digits, '0');
    assert.equal(question.facts.headers['x-tier'], 'gold');
    assert.deepEqual(fallback, { kind: 'none' });
    assert.equal(deadlineMs, 200);
    bench.accepted('c1.3');
    const { rule, evidence, reason } = bench.result();
    assert.deepEqual([rule, evidence, reason], ['pressed zero', 'digit 0', 'user_request']);
  });

  it('records a policy that missed its deadline and takes the default', () => {
    const bench = new CallBench().withBot();
    bench.decide = () => null;
    bench.media({ kind: 'dtmf', legId: 'c1.1', digit: '0', durationMs: 100 });
    const { questionId } = bench.questions[0]!.question;
    bench.input({ port: 'policy', questionId, decision: { kind: 'none' }, late: true });
    assert.ok(bench.eventNames().includes('policy_late'));
    assert.equal(bench.call.state, 'with_bot');
  });

  /** The caller pressed 0, and the default has decided. */
  const pressedInVain = (): { bench: CallBench; decide: (decision: PolicyDecision) => void } => {
    const bench = new CallBench().withBot();
    bench.decide = () => null;
    bench.media({ kind: 'dtmf', legId: 'c1.1', digit: '0', durationMs: 100 });
    const { questionId } = bench.questions[0]!.question;
    const decide = (decision: PolicyDecision): void =>
      bench.input({ port: 'policy', questionId, decision, late: true });
    decide({ kind: 'none' });
    return { bench, decide };
  };

  it('honours a decision that comes after its deadline while the caller is still with the bot', () => {
    const { bench, decide } = pressedInVain();
    bench.clock.advance(4_900);
    decide(wish);
    assert.equal(bench.call.state, 'transferring');
    bench.accepted('c1.3');
    assert.equal(bench.result().rule, 'pressed zero');
  });

  it('does not honour a decision later than 5 s after the question', () => {
    const { bench, decide } = pressedInVain();
    bench.clock.advance(5_100);
    decide(wish);
    assert.equal(bench.call.state, 'with_bot');
  });

  it('does not honour a late decision where a transfer was begun meanwhile', () => {
    const { bench, decide } = pressedInVain();
    bench.transfer();
    bench.rejected('c1.3', 486);
    assert.equal(bench.call.state, 'with_bot');
    decide(wish);
    assert.equal(bench.call.state, 'with_bot');
    assert.equal(bench.records.filter(({ kind }) => kind === 'transfer.ended').length, 1);
  });

  it('honours a late decision once', () => {
    const { bench, decide } = pressedInVain();
    decide(wish);
    bench.accepted('c1.3');
    decide(wish);
    assert.equal(bench.records.filter(({ kind }) => kind === 'transfer.started').length, 1);
  });

  for (const [type, body] of [
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n'],
    ['application/dtmf', '5'],
  ] as const) {
    it(`reads a digit from INFO ${type} and plays it to the bot`, () => {
      const bench = new CallBench().withBot();
      assert.equal(bench.statusOf(bench.request('c1.1', 'INFO', { contentType: type, body })), 200);
      assert.deepEqual(bench.questions[0]?.question.event, { kind: 'dtmf', digit: '5' });
      assert.equal(bench.mediaCommands('sendDtmf', 'c1.2').length, 1);
      assert.equal(bench.requests('INFO').length, 0);
    });
  }

  it("keeps the run of the bot's events in the facts", () => {
    const bench = new CallBench().withBot();
    bench.info('c1.2', { event: 'turn', intent: 'balance', confidence: 0.3 });
    bench.info('c1.2', { event: 'no_match' });
    bench.info('c1.2', { event: 'no_match' });
    const { facts } = bench.questions.at(-1)!.question;
    assert.deepEqual(facts.turns, [{ intent: 'balance', confidence: 0.3 }]);
    assert.equal(facts.noMatchRun, 2);
    bench.info('c1.2', { event: 'basket', items: 3, nested: {} });
    assert.deepEqual(bench.questions.at(-1)?.question.event, {
      kind: 'custom',
      name: 'basket',
      data: { items: 3 },
    });
    assert.equal(
      bench.statusOf(bench.request('c1.2', 'INFO', { contentType: 'application/json', body: '{' })),
      400,
    );
  });

  it('ticks once a second only where a rule looks at time', () => {
    const rule = { name: 'long', reason: 'business_rule', to: null, mode: null, method: null } as const;
    const project = makeProject({ rules: [{ ...rule, condition: { kind: 'duration', overS: 2 } }] });
    const bench = new CallBench({ project }).withBot();
    bench.clock.advance(3_000);
    assert.deepEqual(
      bench.questions.map((one) => one.question.facts.durationS),
      [1, 2, 3],
    );
    bench.bye('c1.1');
    bench.assertOver();
    const without = new CallBench().withBot();
    without.clock.advance(3_000);
    assert.equal(without.questions.length, 0);
  });

  it('passes any other INFO and MESSAGE to the other side, and its response back', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    const asked = bench.request('c1.1', 'INFO', {
      contentType: 'text/plain',
      body: 'hi',
      headers: { 'X-A': 'b' },
    });
    const [passed] = bench.requests('INFO', 'c1.2');
    assert.equal(passed?.body, 'hi');
    assert.equal(passed.headers['X-A'], 'b');
    assert.equal(bench.statusOf(asked), null);
    bench.respond('INFO', 415);
    assert.equal(bench.statusOf(asked), 415);
    bench.request('c1.2', 'MESSAGE', { contentType: 'text/plain', body: 'yo' });
    assert.equal(bench.requests('MESSAGE', 'c1.1').length, 1);
  });

  it('answers OPTIONS with what it can do', () => {
    const bench = new CallBench().withBot();
    assert.equal(bench.statusOf(bench.request('c1.1', 'OPTIONS')), 200);
    assert.match(String(bench.sent('respond').at(-1)?.headers['Allow']), /REFER/);
  });

  it('ends the call when the bot says so', () => {
    const bench = new CallBench().withBot();
    bench.info('c1.2', { event: 'hangup', cause: 'goodbye' });
    assert.equal(bench.endRecord().cause, 'goodbye');
    bench.assertOver();
  });

  describe('REFER of the bot', () => {
    const refer = (bench: CallBench, target: string, more: Record<string, string> = {}): string =>
      bench.request('c1.2', 'REFER', { headers: { 'refer-to': target, ...more } });
    const frags = (bench: CallBench): string[] =>
      bench.requests('NOTIFY', 'c1.2').map((one) => (one.body ?? '').trim().replace('SIP/2.0 ', ''));

    it('is accepted, reported by NOTIFY 100, 180 and 200, and ends with BYE to the bot', () => {
      const bench = new CallBench().withBot();
      assert.equal(bench.statusOf(refer(bench, '"Desk" <sip:desk@anything>')), 202);
      bench.provisional('c1.3');
      bench.accepted('c1.3');
      assert.deepEqual(frags(bench), ['100 Trying', '180 Ringing', '200 OK']);
      assert.match(String(bench.requests('NOTIFY').at(-1)?.headers['Subscription-State']), /^terminated/);
      assert.equal(bench.sent('bye', 'c1.2').length, 1);
      bench.bye('c1.1');
      bench.assertOver();
    });

    it('reports a failure by NOTIFY and resumes on the same session', () => {
      const bench = new CallBench().withBot();
      refer(bench, '<sip:desk@anything>');
      bench.rejected('c1.3', 486);
      assert.deepEqual(frags(bench), ['100 Trying', '486 Busy Here']);
      assert.equal(bench.hears('c1.1'), 'c1.2');
    });

    it('to a target that is not allowed gets 603 and not_allowed, before any SIP to it', () => {
      const bench = new CallBench().withBot();
      assert.equal(bench.statusOf(refer(bench, '<sip:evil@203.0.113.66>')), 603);
      assert.equal(bench.sent('invite').length, 1);
      assert.equal(bench.result().outcome, 'not_allowed');
      assert.equal(bench.requests('NOTIFY').length, 0);
    });

    it('survives the early BYE of the bot', () => {
      const bench = new CallBench().withBot();
      refer(bench, '<sip:desk@anything>');
      bench.bye('c1.2');
      bench.accepted('c1.3');
      assert.equal(bench.call.state, 'with_agent');
      assert.equal(bench.result().outcome, 'completed');
    });

    it('with Replaces goes out as INVITE with that Replaces', () => {
      const bench = new CallBench().withBot();
      refer(bench, '<sip:desk@x?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&X-Note=hi>');
      const { headers } = bench.sent('invite')[1]!;
      assert.equal(headers['Replaces'], 'a@b;to-tag=1;from-tag=2');
      assert.equal(headers['X-Note'], 'hi');
      bench.accepted('c1.3');
      assert.deepEqual(
        bench.result().attempts.map((one) => one.method),
        ['replaces'],
      );
    });

    it('that is malformed gets 400, a second one in flight 491, and Refer-Sub: false no NOTIFY', () => {
      const bench = new CallBench().withBot();
      assert.equal(bench.statusOf(refer(bench, 'nonsense')), 400);
      assert.equal(bench.statusOf(refer(bench, '<sip:desk@x>', { 'refer-sub': 'false' })), 202);
      assert.equal(bench.statusOf(refer(bench, '<sip:desk@x>')), 491);
      assert.equal(bench.requests('NOTIFY').length, 0);
    });

    it('of the agent moves the caller on; the agent stays until the next person is there', () => {
      const bench = new CallBench().withBot();
      bench.transfer();
      bench.accepted('c1.3');
      bench.request('c1.3', 'REFER', { headers: { 'refer-to': '<sip:second@x>' } });
      assert.equal(bench.sent('bye', 'c1.3').length, 0);
      bench.accepted('c1.4');
      assert.equal(bench.sent('bye', 'c1.3').length, 1);
      assert.equal(bench.hears('c1.1'), 'c1.4');
      bench.bye('c1.1');
      bench.assertOver();
    });
  });

  describe('INVITE with Replaces', () => {
    const replacing = (bench: CallBench, replacesLegId: string, earlyOnly = false): void => {
      bench.adopt('c1.7');
      bench.signal({
        kind: 'incomingReplaces',
        legId: 'c1.7',
        replacesLegId,
        earlyOnly,
        invite: replacingInvite(),
      });
    };

    it('is answered, the media moves, then the replaced leg gets BYE', () => {
      const bench = new CallBench().withBot();
      bench.transfer();
      bench.accepted('c1.3');
      replacing(bench, 'c1.3');
      assert.equal(bench.sent('accept', 'c1.7').length, 1);
      assert.equal(bench.hears('c1.1'), 'c1.7');
      assert.equal(bench.hears('c1.7'), 'c1.1');
      assert.equal(bench.sent('bye', 'c1.3').length, 1);
      assert.equal(bench.call.state, 'with_agent');
      bench.bye('c1.7');
      bench.assertOver();
    });

    it('gets 486 for early-only on a confirmed dialog, 603 for one that ended, 481 for an unknown one', () => {
      const early = new CallBench().withBot();
      replacing(early, 'c1.1', true);
      assert.equal(early.sent('reject', 'c1.7')[0]?.status, 486);
      const ended = new CallBench().withBot();
      ended.transfer();
      ended.accepted('c1.3');
      replacing(ended, 'c1.2');
      assert.equal(ended.sent('reject', 'c1.7')[0]?.status, 603);
      const unknown = new CallBench().withBot();
      replacing(unknown, 'c1.55');
      assert.equal(unknown.sent('reject', 'c1.7')[0]?.status, 481);
      assert.equal(unknown.call.state, 'with_bot');
    });
  });
});
