import assert from 'node:assert/strict';
import { CallBench } from '../../../support/call/call-bench.js';
import { makeProject } from '../../../support/call/call-plan.js';
import type { TransferSettings } from '../../../../src/call/project.js';
import { replacingInvite } from '../../../support/call/replacing-invite.js';

const NEW = 'c1.1001';

function replace(bench: CallBench, replacesLegId: string, earlyOnly = false): void {
  bench.adopt(NEW);
  bench.signal({
    kind: 'incomingReplaces',
    legId: NEW,
    replacesLegId,
    earlyOnly,
    invite: replacingInvite(),
  });
}
const benchOf = (transfer: Partial<TransferSettings> = {}): CallBench =>
  new CallBench({ project: makeProject({}, transfer) }).withBot();
const rejection = (bench: CallBench): number | undefined => bench.sent('reject', NEW)[0]?.status;

describe('INVITE with Replaces on an early dialog of ours', () => {
  const ringing = (): CallBench => {
    const bench = benchOf();
    bench.transfer();
    bench.provisional('c1.3');
    return bench;
  };

  it('picks up what rings: CANCEL to the first phone, the call is joined with the second', () => {
    const bench = ringing();
    replace(bench, 'c1.3', true);
    assert.equal(bench.sent('cancel', 'c1.3').length, 1);
    assert.equal(bench.hears('c1.1'), NEW);
    assert.equal(bench.hears(NEW), 'c1.1');
    const { outcome, attempts } = bench.result();
    assert.equal(outcome, 'completed');
    assert.deepEqual(
      attempts.map(({ sipStatus, sipReason, answeredAt }) => [sipStatus, sipReason, answeredAt !== null]),
      [[200, 'Picked up', true]],
    );
    assert.equal(bench.call.state, 'with_agent');
    bench.bye(NEW);
    bench.assertOver();
  });

  it('the first phone answers while its call is picked up: the new phone replaces it all the same', () => {
    const bench = ringing();
    bench.auto.cancels = false;
    replace(bench, 'c1.3');
    bench.accepted('c1.3');
    assert.equal(bench.sent('bye', 'c1.3').length, 1, 'the late answer gets BYE');
    assert.equal(bench.hears('c1.1'), NEW);
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('the first phone answers while our 2xx to the second is on its way: the second has the call', () => {
    const bench = ringing();
    bench.auto.answers = false;
    replace(bench, 'c1.3');
    bench.accepted('c1.3');
    assert.equal(bench.hears('c1.1'), 'c1.3');
    bench.established(NEW);
    assert.equal(bench.sent('bye', 'c1.3').length, 1);
    assert.equal(bench.hears('c1.1'), NEW);
    assert.equal(bench.hears(NEW), 'c1.1');
    bench.bye(NEW);
    bench.assertOver();
  });

  it('the same with early-only: the first phone keeps the call, the second gets BYE', () => {
    const bench = ringing();
    bench.auto.answers = false;
    replace(bench, 'c1.3', true);
    bench.accepted('c1.3');
    bench.established(NEW);
    assert.equal(bench.sent('bye', NEW).length, 1);
    assert.equal(bench.hears('c1.1'), 'c1.3');
    bench.bye('c1.3');
    bench.assertOver();
  });

  it('the first phone declines while our 2xx to the second is on its way: it is picked up all the same', () => {
    const bench = ringing();
    bench.auto.answers = false;
    replace(bench, 'c1.3');
    bench.rejected('c1.3', 486);
    assert.equal(bench.results().length, 0);
    bench.established(NEW);
    assert.equal(bench.result().outcome, 'completed');
    assert.equal(bench.hears('c1.1'), NEW);
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('nobody waits any more when our 2xx goes out: the second phone gets BYE', () => {
    const bench = ringing();
    bench.auto.answers = false;
    replace(bench, 'c1.3');
    bench.clock.advance(25_001);
    assert.equal(bench.result().outcome, 'no_answer');
    bench.established(NEW);
    assert.equal(bench.sent('bye', NEW).length, 1);
    assert.equal(bench.hears('c1.1'), 'c1.2');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('the caller hangs up when our 2xx is on its way: everybody is let go', () => {
    const bench = ringing();
    bench.auto.answers = false;
    replace(bench, 'c1.3');
    bench.bye('c1.1');
    bench.established(NEW);
    assert.equal(bench.result().outcome, 'caller_gone');
    bench.assertOver();
  });

  it('the pickup fails (no common codec): the first phone rings on', () => {
    const bench = ringing();
    bench.adopt(NEW);
    bench.signal({
      kind: 'incomingReplaces',
      legId: NEW,
      replacesLegId: 'c1.3',
      earlyOnly: false,
      invite: replacingInvite('bad'),
    });
    assert.equal(rejection(bench), 488);
    assert.equal(bench.sent('cancel').length, 0);
    bench.accepted('c1.3');
    assert.equal(bench.hears('c1.1'), 'c1.3');
    bench.bye('c1.3');
    bench.assertOver();
  });

  it('481 before any 18x named it, and where the caller has not been answered', () => {
    const bench = benchOf();
    bench.transfer();
    replace(bench, 'c1.3');
    assert.equal(rejection(bench), 481);
    const unanswered = new CallBench();
    unanswered.incoming();
    replace(unanswered, 'c1.1');
    assert.equal(rejection(unanswered), 481, 'we are the UAS of that dialog');
  });

  it('the bot that rings is picked up by another one', () => {
    const bench = new CallBench();
    bench.incoming();
    bench.provisional('c1.2');
    replace(bench, 'c1.2');
    assert.equal(bench.sent('cancel', 'c1.2').length, 1);
    assert.equal(bench.call.state, 'with_bot');
    assert.equal(bench.hears('c1.1'), NEW);
    bench.bye(NEW);
    assert.equal(bench.endRecord().endedBy, 'bot');
    bench.assertOver();
  });
});

describe('INVITE with Replaces while a transfer is in flight', () => {
  it('the caller goes on from another phone: the person still rings and is joined with it', () => {
    const bench = benchOf();
    bench.transfer();
    bench.provisional('c1.3');
    replace(bench, 'c1.1');
    assert.equal(bench.sent('bye', 'c1.1').length, 1);
    assert.equal(bench.hears(NEW), 'music', 'it hears what the first one heard');
    bench.accepted('c1.3');
    assert.equal(bench.hears('c1.3'), NEW);
    assert.equal(bench.result().outcome, 'completed');
    bench.bye(NEW);
    assert.equal(bench.endRecord().endedBy, 'caller');
    bench.assertOver();
  });

  it('the caller hangs up while its other phone is being answered: the call goes on there', () => {
    const bench = benchOf();
    bench.auto.acks = false;
    bench.transfer();
    bench.signal({ kind: 'claimed', legId: 'c1.1' });
    bench.bye('c1.1');
    assert.equal(bench.ended, 0);
    replace(bench, 'c1.1');
    bench.accepted('c1.3');
    assert.equal(bench.hears('c1.3'), NEW);
    bench.signal({ kind: 'acked', legId: NEW, requestId: null, sdp: null });
    bench.bye('c1.3');
    bench.assertOver();
  });

  it('the bot that waits is replaced: it is the new one that is let go, or gets the caller back', () => {
    for (const answers of [true, false]) {
      const bench = benchOf();
      bench.transfer();
      replace(bench, 'c1.2');
      assert.equal(bench.sent('bye', 'c1.2').length, 1);
      if (answers) {
        bench.accepted('c1.3');
        assert.equal(bench.sent('bye', NEW).length, 1);
        bench.bye('c1.1');
      } else {
        bench.rejected('c1.3', 486);
        assert.equal(bench.hears('c1.1'), NEW);
        bench.bye(NEW);
      }
      bench.assertOver();
    }
  });

  it('a consultation goes on at another phone, which has the gate before it anew', () => {
    const bench = benchOf({ mode: 'attended', acceptDigit: '1' });
    bench.transfer();
    bench.accepted('c1.3');
    bench.clock.advance(9_000);
    replace(bench, 'c1.3');
    assert.equal(bench.sent('bye', 'c1.3').length, 1);
    assert.equal(bench.results().length, 0);
    bench.clock.advance(9_000);
    bench.media({ kind: 'dtmf', legId: NEW, digit: '1', durationMs: 100 });
    assert.equal(bench.hears('c1.1'), NEW);
    assert.equal(bench.result().outcome, 'completed');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('a consultation that ran out while another phone came in: the bot that briefed it keeps the caller', () => {
    const bench = benchOf({ mode: 'attended', acceptDigit: '1', brief: 'bot' });
    bench.transfer();
    bench.accepted('c1.3');
    assert.equal(bench.hears('c1.2'), 'c1.3');
    bench.auto.answers = false;
    replace(bench, 'c1.3');
    bench.clock.advance(10_001);
    assert.equal(bench.hears('c1.1'), 'c1.2');
    bench.established(NEW);
    assert.equal(bench.sent('bye', NEW).length, 1);
    assert.equal(bench.hears('c1.2'), 'c1.1');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('603 while a REFER to the leg is under way, and for a consultation that is being replaced by us', () => {
    const referred = benchOf({ method: 'refer' });
    referred.transfer();
    replace(referred, 'c1.1');
    assert.equal(rejection(referred), 603);
    const completing = benchOf({ mode: 'attended', method: 'replaces' });
    completing.transfer();
    completing.accepted('c1.3');
    replace(completing, 'c1.3');
    assert.equal(rejection(completing), 603);
    assert.equal(
      completing.pendingTimers.some((name) => name.startsWith('held')),
      false,
    );
  });
});

describe('REFER of the bot whose Replaces names the consultation of its own call', () => {
  const refer = (bench: CallBench, legId = 'c1.2'): string =>
    bench.request(legId, 'REFER', {
      headers: { 'refer-to': '<sip:agent@x?Replaces=c1.3%40relevo%3Bto-tag%3Dl-c1.3%3Bfrom-tag%3Dr-c1.3>' },
    });

  it('completes the attended transfer that is running', () => {
    const bench = benchOf({ mode: 'attended', acceptDigit: '1' });
    bench.transfer();
    bench.accepted('c1.3');
    const asked = refer(bench);
    assert.equal(bench.statusOf(asked), 202);
    assert.equal(bench.hears('c1.1'), 'c1.3');
    assert.deepEqual(
      bench.requests('NOTIFY', 'c1.2').map((one) => (one.body ?? '').trim()),
      ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK'],
    );
    assert.equal(bench.result().outcome, 'completed');
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('gets 603 where nobody is being asked by that dialog', () => {
    const bench = benchOf();
    bench.transfer();
    bench.accepted('c1.3');
    assert.equal(bench.statusOf(refer(bench, 'c1.1')), 603);
    bench.bye('c1.1');
    bench.assertOver();
  });
});

describe('REFER outside the dialog that it names (RFC 4538)', () => {
  it('is the same transfer; its NOTIFYs go by its own subscription and outlast the leg', () => {
    const bench = benchOf();
    bench.signal({
      kind: 'request',
      legId: 'c1.2',
      requestId: 'o1',
      method: 'REFER',
      headers: { 'refer-to': '<sip:desk@relevo>', 'refer-sub': 'false', cseq: '1 REFER' },
      body: null,
      contentType: null,
      outside: 's1',
    });
    assert.equal(bench.statusOf('o1'), 202);
    bench.provisional('c1.3');
    bench.accepted('c1.3');
    assert.deepEqual(
      bench.sent('notify').map(({ subscription, body }) => `${subscription} ${body.trim()}`),
      ['s1 SIP/2.0 100 Trying', 's1 SIP/2.0 180 Ringing', 's1 SIP/2.0 200 OK'],
    );
    assert.equal(bench.requests('NOTIFY').length, 0);
    assert.match(String(bench.sent('notify').at(-1)?.headers['Subscription-State']), /^terminated/);
    assert.equal(bench.sent('bye', 'c1.2').length, 1);
    bench.bye('c1.1');
    bench.assertOver();
  });
});
