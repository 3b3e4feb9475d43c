import assert from 'node:assert/strict';
import type { CallBench } from '../../../support/call/call-bench.js';
import { BOT, DESTINATIONS, makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';
import { TwoCalls } from '../../../support/call/two-calls.js';

const JOINED = 'c2.501';

const frags = (bench: CallBench, legId: string): string[] =>
  bench.requests('NOTIFY', legId).map((one) => (one.body ?? '').trim());
const joinedWith = (bench: CallBench): unknown[] =>
  bench.records.flatMap((one) =>
    one.kind === 'call.event' && one.name === 'call_joined' ? [one.detail['call']] : [],
  );
const bothOver = (calls: TwoCalls): void => {
  calls.one.assertOver();
  calls.two.assertOver();
  assert.equal(calls.joined.size, 0);
};

describe('REFER whose Replaces names a dialog of another call of this node', () => {
  it('joins what is left of both calls, tells the referrer 200, and lets go of its two legs', () => {
    const calls = new TwoCalls().withBots();
    const refer = calls.refer();
    assert.equal(calls.one.statusOf(refer), 202);
    assert.deepEqual(frags(calls.one, 'c1.1'), ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK']);
    assert.equal(calls.one.hears('c1.2'), 'c1.3');
    assert.equal(calls.one.hears('c1.3'), 'c1.2');
    assert.equal(calls.two.hears('c2.2'), JOINED);
    assert.equal(calls.two.hears(JOINED), 'c2.2');
    assert.equal(calls.one.sent('bye', 'c1.1').length, 1);
    assert.equal(calls.two.sent('bye', 'c2.1').length, 1);
    const { outcome, method, attempts } = calls.one.result();
    assert.deepEqual([outcome, method, attempts.length], ['completed', 'replaces', 1]);
    assert.deepEqual([joinedWith(calls.one), joinedWith(calls.two)], [['c2'], ['c1']]);
    calls.two.bye('c2.2');
    assert.equal(calls.one.sent('bye', 'c1.2').length, 1, 'the end goes through both calls');
    assert.equal(calls.two.endRecord().endedBy, 'bot');
    bothOver(calls);
  });

  it('asks for SRTP of the callers of a trunk that requires it, and for none between its own two calls', () => {
    const calls = new TwoCalls({ trunk: makeTrunk({ srtp: 'required' }) }).withBots();
    calls.refer();
    const wishes = [
      ...calls.one.mediaCommands('makeAnswer', 'c1.1'),
      ...calls.one.mediaCommands('makeOffer', 'c1.3'),
      ...calls.two.mediaCommands('makeAnswer', JOINED),
    ].map((command) => ('srtp' in command ? command.srtp : 'off'));
    assert.deepEqual(wishes, ['required', 'off', 'off']);
  });

  it('passes holds, INFO and a later REFER through the seam', () => {
    const calls = new TwoCalls().withBots();
    calls.refer();
    calls.two.request('c2.2', 'INVITE', { body: 'v=0 a=sendonly', contentType: 'application/sdp' });
    assert.equal(calls.one.requests('INVITE', 'c1.2').length, 1, 'the other side is told of the hold');
    assert.match(calls.one.requests('INVITE', 'c1.2')[0]?.body ?? '', /a=(sendonly|inactive)/);
    const info = calls.two.request('c2.2', 'INFO', { body: 'x', contentType: 'text/plain' });
    assert.equal(calls.one.requests('INFO', 'c1.2').length, 1);
    assert.equal(calls.two.statusOf(info), 200);
    calls.two.request('c2.2', 'REFER', { headers: { 'refer-to': '<sip:desk@relevo>' } });
    const invite = calls.two.sent('invite').at(-1)!;
    assert.equal(invite.uri.startsWith('sip:201@'), true);
    calls.two.accepted(invite.legId);
    assert.equal(calls.two.hears(JOINED), invite.legId, 'the second bot handed its end on');
    calls.one.bye('c1.2');
    bothOver(calls);
  });

  it('a referrer that hangs up both its calls on the 202 takes nothing down', () => {
    const calls = new TwoCalls().withBots();
    calls.lagging = true;
    calls.refer();
    calls.two.bye('c2.1');
    calls.one.bye('c1.1');
    assert.deepEqual([calls.one.ended, calls.two.ended], [0, 0]);
    calls.flush();
    assert.equal(calls.one.hears('c1.2'), 'c1.3');
    assert.equal(calls.two.hears('c2.2'), JOINED);
    assert.equal(calls.one.result().outcome, 'completed');
    calls.one.bye('c1.2');
    bothOver(calls);
  });

  it('whoever waits is let go where the joining never comes', () => {
    const calls = new TwoCalls().withBots();
    calls.lagging = true;
    calls.refer();
    calls.two.bye('c2.1');
    assert.equal(calls.two.ended, 0);
    calls.clock.advance(5_001);
    assert.equal(calls.two.endRecord().endedBy, 'caller');
    calls.two.assertOver();
    calls.flush();
    assert.equal(calls.one.result().outcome, 'failed');
    assert.equal(calls.one.hears('c1.1'), 'c1.2', 'the referrer is back where it was');
    calls.one.bye('c1.1');
    calls.one.assertOver();
  });

  it('the far end of the second call hangs up while it is being joined: the referrer is told and stays', () => {
    const calls = new TwoCalls().withBots();
    calls.lagging = true;
    calls.refer();
    calls.two.bye('c2.2');
    calls.two.assertOver();
    calls.flush();
    assert.equal(frags(calls.one, 'c1.1').at(-1), 'SIP/2.0 500 Server Internal Error');
    assert.equal(calls.one.hears('c1.1'), 'c1.2');
    calls.one.bye('c1.1');
    calls.one.assertOver();
  });

  it('the survivor of the first call hangs up while it is being joined: the second call is as it was', () => {
    const calls = new TwoCalls().withBots();
    calls.lagging = true;
    calls.refer();
    calls.one.bye('c1.2');
    calls.one.assertOver();
    assert.equal(calls.two.call.state, 'with_bot');
    assert.equal(calls.two.hears('c2.1'), 'c2.2');
    calls.two.bye('c2.1');
    // Its end is kept back until nobody can come any more.
    calls.clock.advance(5_001);
    calls.two.assertOver();
  });

  it('a person joins its caller with a call of its own', () => {
    const pbx = makeTrunk({ name: 'pbx', hosts: ['sip:10.0.0.7:5080'] });
    const project = makeProject();
    const plan = makePlan(project, {
      bots: { reception: BOT },
      trunks: { carrier: makeTrunk(), pbx },
      destinations: DESTINATIONS,
    });
    const calls = new TwoCalls({ project, plan }).withBots();
    calls.one.transfer();
    calls.one.accepted('c1.3');
    const refer = calls.refer('c1.3');
    assert.equal(calls.one.statusOf(refer), 202);
    assert.equal(calls.one.hears('c1.1'), 'c1.4');
    assert.equal(frags(calls.one, 'c1.3').at(-1), 'SIP/2.0 200 OK');
    assert.equal(calls.one.sent('bye', 'c1.3').length, 1);
    assert.equal(calls.two.sent('bye', 'c2.1').length, 1);
    assert.deepEqual(
      calls.one.results().map(({ outcome }) => outcome),
      ['completed', 'completed'],
    );
    calls.one.bye('c1.1');
    assert.equal(calls.two.sent('bye', 'c2.2').length, 1);
    bothOver(calls);
  });

  it('a person with two callers joins them: both dialogs are ones that we dialled', () => {
    const calls = new TwoCalls().withBots();
    for (const bench of [calls.one, calls.two]) {
      bench.transfer();
      bench.accepted(`${bench.call.callId}.3`);
    }
    calls.dialogs.set('b@node', {
      callId: 'c2',
      legId: 'c2.3',
      confirmed: true,
      acceptReplaces: true,
      joined: false,
    });
    calls.refer('c1.3');
    assert.equal(calls.one.hears('c1.1'), 'c1.4');
    assert.equal(calls.two.hears('c2.1'), JOINED);
    assert.equal(calls.one.sent('bye', 'c1.3').length, 1);
    assert.equal(calls.two.sent('bye', 'c2.3').length, 1);
    calls.two.bye('c2.1');
    assert.equal(calls.one.sent('bye', 'c1.1').length, 1);
    bothOver(calls);
  });

  describe('early', () => {
    const ringing = (): TwoCalls => {
      const calls = new TwoCalls();
      calls.one.withBot();
      calls.two.incoming();
      calls.two.provisional('c2.2');
      calls.dialogs.set('b@node', {
        callId: 'c2',
        legId: 'c2.1',
        confirmed: false,
        acceptReplaces: true,
        joined: false,
      });
      return calls;
    };

    it('a call that still rings is taken over unanswered: 180 is told, its INVITE gets 487, the answer joins', () => {
      const calls = ringing();
      calls.refer();
      assert.deepEqual(frags(calls.one, 'c1.1'), ['SIP/2.0 100 Trying', 'SIP/2.0 180 Ringing']);
      assert.equal(calls.two.sent('reject', 'c2.1')[0]?.status, 487);
      calls.two.accepted('c2.2');
      assert.equal(frags(calls.one, 'c1.1').at(-1), 'SIP/2.0 200 OK');
      assert.equal(calls.two.hears('c2.2'), JOINED);
      assert.equal(calls.one.hears('c1.2'), 'c1.3');
      calls.one.bye('c1.2');
      bothOver(calls);
    });

    it('its phone CANCELs first: nothing is lost', () => {
      const calls = ringing();
      calls.lagging = true;
      calls.refer();
      calls.two.signal({ kind: 'cancelled', legId: 'c2.1' });
      calls.two.accepted('c2.2');
      calls.flush();
      assert.equal(calls.one.result().outcome, 'completed');
      assert.equal(calls.two.hears(JOINED), 'c2.2');
      calls.two.bye('c2.2');
      bothOver(calls);
    });

    it('nobody answers: the referrer is told and has its call back', () => {
      const calls = ringing();
      calls.refer();
      calls.two.rejected('c2.2', 486);
      assert.match(frags(calls.one, 'c1.1').at(-1) ?? '', /SIP\/2\.0 [45]\d\d/);
      assert.equal(calls.one.hears('c1.1'), 'c1.2');
      calls.two.assertOver();
      calls.one.bye('c1.1');
      bothOver(calls);
    });

    it('whoever waits hangs up: what rings gets CANCEL', () => {
      const calls = ringing();
      calls.refer();
      calls.one.bye('c1.2');
      assert.equal(calls.two.sent('cancel', 'c2.2').length, 1);
      bothOver(calls);
    });
  });

  describe('is refused', () => {
    const status = (calls: TwoCalls, replaces?: string): number | null =>
      calls.one.statusOf(calls.refer('c1.1', replaces));
    const dialog = { callId: 'c2', legId: 'c2.1', confirmed: true, acceptReplaces: true, joined: false };

    it('403 where the trunk may not replace, and nothing of the other call is touched', () => {
      const calls = new TwoCalls({ trunk: makeTrunk({ acceptReplaces: false }) }).withBots();
      assert.equal(status(calls), 403);
      assert.equal(calls.two.hears('c2.1'), 'c2.2');
      assert.equal(
        calls.two.pendingTimers.some((name) => name.startsWith('held')),
        false,
      );
    });

    it('603 for calls that are joined already, for a dialog that ended, and for one of the same call', () => {
      const calls = new TwoCalls().withBots();
      calls.dialogs.set('b@node', { ...dialog, joined: true });
      assert.equal(status(calls), 603);
      calls.dialogs.set('b@node', 'ended');
      assert.equal(status(calls), 603);
      calls.dialogs.set('b@node', { ...dialog, callId: 'c1', legId: 'c1.2' });
      assert.equal(status(calls), 603);
    });

    it('486 for early-only on an answered dialog', () => {
      const calls = new TwoCalls().withBots();
      assert.equal(status(calls, 'b@node;to-tag=us;from-tag=them;early-only'), 486);
    });

    it('while the other call is being handed over by REFER: the referrer is told', () => {
      const calls = new TwoCalls().withBots();
      calls.two.transfer({ method: 'refer' });
      calls.refer();
      assert.match(frags(calls.one, 'c1.1').at(-1) ?? '', /SIP\/2\.0 603/);
      assert.equal(calls.one.hears('c1.1'), 'c1.2');
    });
  });
});
