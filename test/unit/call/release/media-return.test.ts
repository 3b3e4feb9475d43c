import assert from 'node:assert/strict';
import type { CallBench } from '../../../support/call/call-bench.js';
import { sdp } from '../../../support/call/call-bench.js';
import { AGENT, asking, CALLER, events, offers, reinvite, resting, stable } from './releasing.js';

const HOLD = sdp('sendonly');
const cause = (bench: CallBench) => events(bench, 'media_taken_back').map((detail) => detail['cause']);

/** Answers the newest re-INVITE of ours on this leg. */
function answer(bench: CallBench, legId: string, status = 200): void {
  const { requestId } = bench.requests('INVITE', legId).at(-1)!;
  const body = status === 200 ? sdp() : null;
  const rest = { reason: 'R', headers: {}, wantsAck: false };
  bench.signal({ kind: 'response', legId, requestId, status, body, ...rest });
}

describe('audio is taken back', () => {
  it('when the caller holds: answered from our media, and the person is offered it, once', () => {
    const bench = stable();
    const held = reinvite(bench, CALLER, HOLD);
    assert.equal(bench.statusOf(held), 200);
    assert.deepEqual(offers(bench, AGENT), ['to c1.1', 'ours sendonly']);
    assert.deepEqual(offers(bench, CALLER), ['to c1.3']);
    assert.equal(bench.hears(AGENT), 'music');
    assert.deepEqual([resting(bench, AGENT), resting(bench, CALLER)], [false, false]);
    assert.deepEqual(cause(bench), ['hold']);
    reinvite(bench, CALLER, sdp());
    assert.equal(bench.hears(AGENT), CALLER);
    bench.clock.advance(1_000);
    assert.equal(events(bench, 'media_released').length, 2);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('when the person holds: the caller hears music', () => {
    const bench = stable();
    reinvite(bench, AGENT, HOLD);
    assert.equal(bench.hears(CALLER), 'music');
    assert.deepEqual(offers(bench, CALLER), ['to c1.3', 'ours sendonly']);
    assert.equal(resting(bench, CALLER), false);
  });

  it('nobody is sent anything of ours before it is back', () => {
    const bench = stable();
    bench.auto.requests = false;
    bench.request(AGENT, 'INVITE', { body: HOLD });
    assert.deepEqual([resting(bench, AGENT), resting(bench, CALLER)], [false, true]);
    answer(bench, CALLER);
    assert.equal(resting(bench, CALLER), false);
  });

  it('when a peer asks for our offer (a re-INVITE without one)', () => {
    const bench = stable();
    const asked = reinvite(bench, AGENT, null);
    assert.equal(bench.statusOf(asked), 200);
    assert.deepEqual(offers(bench, CALLER), ['to c1.3', 'ours sendrecv']);
    assert.deepEqual(cause(bench), ['offer']);
  });

  it('not by a session refresh that says nothing new (RFC 4028)', () => {
    const bench = stable();
    const refresh = reinvite(bench, CALLER, sdp('sendrecv', 'again'));
    const update = bench.request(AGENT, 'UPDATE');
    assert.deepEqual([bench.statusOf(refresh), bench.statusOf(update)], [200, 200]);
    assert.match(bench.sent('respond', CALLER).at(-1)?.body ?? '', /direct answer/);
    assert.deepEqual(cause(bench), []);
    assert.deepEqual([resting(bench, AGENT), resting(bench, CALLER)], [true, true]);
  });

  it('not by an offer that is refused: the session stays as it was (RFC 3261 14.2)', () => {
    const bench = stable();
    const bad = bench.request(CALLER, 'INVITE', { body: 'bad' });
    assert.equal(bench.statusOf(bad), 488);
    assert.deepEqual(cause(bench), []);
    assert.equal(resting(bench, CALLER), true);
  });

  it('when a transfer begins by the API: both are called back, and what is heard is ours again', () => {
    const bench = stable();
    bench.transfer({ transferId: 't2', to: 'second' });
    assert.deepEqual(offers(bench, AGENT), ['to c1.1', 'ours sendrecv']);
    assert.deepEqual(offers(bench, CALLER), ['to c1.3', 'ours sendrecv']);
    assert.equal(bench.hears(CALLER), 'music');
    assert.deepEqual([resting(bench, AGENT), resting(bench, CALLER)], [false, false]);
    assert.deepEqual(cause(bench), ['transfer']);
    bench.accepted('c1.4');
    bench.clock.advance(1_000);
    assert.equal(events(bench, 'media_released').length, 2);
    assert.deepEqual(offers(bench, 'c1.4'), ['to c1.1']);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('when a REFER of the person begins one', () => {
    const bench = stable();
    bench.request(AGENT, 'REFER', { headers: { 'refer-to': '<sip:second@relevo>' } });
    assert.deepEqual(cause(bench), ['transfer']);
  });

  it('a transfer that fails leads back, and it is released again', () => {
    const bench = stable();
    bench.transfer({ transferId: 't2', to: 'second' });
    bench.rejected('c1.4', 486);
    assert.equal(bench.call.state, 'with_agent');
    bench.clock.advance(1_000);
    assert.equal(events(bench, 'media_released').length, 2);
  });

  it('for a digit that came by INFO and goes on in RTP, and stays with us from then on', () => {
    const bench = stable();
    bench.request(CALLER, 'INFO', {
      contentType: 'application/dtmf-relay',
      body: 'Signal=5\r\nDuration=160\r\n',
    });
    assert.equal(bench.mediaCommands('sendDtmf', AGENT).length, 1);
    assert.deepEqual(cause(bench), ['digit']);
    bench.clock.advance(60_000);
    assert.deepEqual(events(bench, 'media_kept'), [{ reason: 'digit_by_info' }]);
    assert.equal(events(bench, 'media_released').length, 1);
  });

  it('not for one that goes on by INFO', () => {
    const bench = stable({ caller: { dtmf: 'info' }, agent: { dtmf: 'info' } });
    bench.request(CALLER, 'INFO', {
      contentType: 'application/dtmf-relay',
      body: 'Signal=5\r\nDuration=160\r\n',
    });
    assert.equal(bench.mediaCommands('sendDtmf', AGENT).length, 1);
    assert.deepEqual(cause(bench), []);
  });

  it('for the bot, where the person hangs up and the bot takes over again', () => {
    const bench = stable({ transfer: { afterAgent: 'resume-bot' } });
    bench.bye(AGENT);
    assert.deepEqual(offers(bench, CALLER), ['to c1.3', 'ours sendrecv']);
    assert.deepEqual(cause(bench), ['parted']);
    assert.equal(resting(bench, CALLER), false);
  });

  it('for an operator who is to listen, while the phone rings already; it goes again when nobody listens any more', () => {
    const listen = { allow: [], max: 2, ringTimeoutMs: 20_000, notice: 'none' } as const;
    const bench = stable({ project: { listen } });
    assert.deepEqual(bench.listen('second', 'l1'), { accepted: true });
    assert.deepEqual(
      [offers(bench, AGENT), offers(bench, CALLER)],
      [
        ['to c1.1', 'ours sendrecv'],
        ['to c1.3', 'ours sendrecv'],
      ],
    );
    assert.deepEqual(cause(bench), ['listener']);
    bench.accepted('c1.4');
    bench.clock.advance(10_000);
    assert.deepEqual(events(bench, 'media_kept'), [{ reason: 'listener' }]);
    assert.equal(events(bench, 'media_released').length, 1);
    bench.bye('c1.4');
    bench.clock.advance(1_000);
    assert.equal(events(bench, 'media_released').length, 2);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('not where the call ends: each leg gets its BYE', () => {
    for (const leaving of [CALLER, AGENT]) {
      const bench = stable();
      bench.bye(leaving);
      assert.deepEqual([offers(bench, AGENT).length, offers(bench, CALLER).length], [1, 1]);
      assert.deepEqual(cause(bench), []);
      bench.assertOver();
    }
  });
});

describe('audio is taken back in the middle of being released', () => {
  it('a hold of the caller while the person is asked: the person is called back as soon as it has answered', () => {
    const bench = asking();
    const held = bench.request(CALLER, 'INVITE', { body: HOLD });
    answer(bench, AGENT);
    assert.deepEqual(offers(bench, AGENT), ['to c1.1', 'ours sendonly']);
    answer(bench, AGENT);
    assert.equal(bench.statusOf(held), 200);
    assert.deepEqual(offers(bench, CALLER), []);
    assert.deepEqual([resting(bench, AGENT), resting(bench, CALLER)], [false, false]);
    bench.clock.advance(60_000);
    assert.equal(events(bench, 'media_released').length, 0);
  });

  it('a hold of the person right after it was told', () => {
    const bench = asking();
    answer(bench, AGENT);
    bench.request(AGENT, 'INVITE', { body: HOLD });
    // Our offer to the caller is out: what it leads to is answered, then the caller is called back.
    answer(bench, CALLER);
    assert.deepEqual(offers(bench, CALLER), ['to c1.3', 'ours sendonly']);
    answer(bench, CALLER);
    assert.equal(bench.hears(CALLER), 'music');
    assert.deepEqual(cause(bench), ['hold']);
    assert.equal(events(bench, 'media_released').length, 0);
  });

  it('re-INVITEs that cross (491): ours is made again after the wait, the peer has gone first (RFC 3261 14.1)', () => {
    const bench = asking();
    answer(bench, AGENT, 491);
    bench.clock.advance(4_000);
    assert.deepEqual(offers(bench, AGENT), ['to c1.1', 'to c1.1']);
    answer(bench, AGENT);
    answer(bench, CALLER);
    assert.equal(events(bench, 'media_released').length, 1);
  });

  it('after a 491 the peer holds: our offer is not made again, the hold stands', () => {
    const bench = asking();
    answer(bench, AGENT, 491);
    const held = bench.request(AGENT, 'INVITE', { body: HOLD });
    answer(bench, CALLER);
    assert.equal(bench.statusOf(held), 200);
    bench.signal({ kind: 'acked', legId: AGENT, requestId: held, sdp: null });
    bench.clock.advance(10_000);
    assert.deepEqual(offers(bench, AGENT), ['to c1.1']);
    assert.deepEqual(offers(bench, CALLER), ['ours sendonly']);
    assert.deepEqual(events(bench, 'media_released'), []);
  });

  it('the offer of the peer that comes while ours is open gets 491', () => {
    const bench = asking();
    const crossing = bench.request(AGENT, 'INVITE', { body: HOLD });
    assert.equal(bench.statusOf(crossing), 491);
  });

  it('a transfer begins while the person is asked: the open offer is awaited, then it is called back', () => {
    const bench = asking();
    bench.transfer({ transferId: 't2', to: 'second' });
    assert.deepEqual([offers(bench, AGENT), offers(bench, CALLER)], [['to c1.1'], []]);
    answer(bench, AGENT);
    assert.deepEqual(offers(bench, AGENT), ['to c1.1', 'ours sendrecv']);
    answer(bench, AGENT);
    assert.deepEqual(cause(bench), ['transfer']);
    assert.deepEqual(offers(bench, CALLER), []);
  });

  it('the answer holds: both are called back', () => {
    const bench = asking();
    answer(bench, AGENT);
    const { requestId } = bench.requests('INVITE', CALLER).at(-1)!;
    const rest = { reason: 'R', headers: {}, wantsAck: false };
    bench.signal({ kind: 'response', legId: CALLER, requestId, status: 200, body: sdp('sendonly'), ...rest });
    assert.deepEqual(offers(bench, AGENT), ['to c1.1', 'ours sendonly']);
    assert.equal(bench.hears(AGENT), 'music');
    assert.equal(offers(bench, CALLER).length, 2);
    assert.equal(events(bench, 'media_released').length, 0);
  });

  for (const status of [408, 481]) {
    it(`the re-INVITE to the caller ends in ${status}: that leg is dead, and the call with it (RFC 3261 12.2.1.2)`, () => {
      const bench = asking();
      answer(bench, AGENT);
      answer(bench, CALLER, status);
      assert.equal(bench.sent('bye', AGENT).length, 1);
      assert.deepEqual(offers(bench, AGENT), ['to c1.1']);
      bench.assertOver();
    });
  }

  for (const leaving of [AGENT, CALLER]) {
    it(`${leaving === AGENT ? 'the person' : 'the caller'} hangs up meanwhile`, () => {
      for (const steps of [0, 1]) {
        const bench = asking();
        if (steps === 1) answer(bench, AGENT);
        bench.bye(leaving);
        bench.assertOver();
      }
    });
  }

  it('the media worker dies meanwhile: each is told of the new ports, and it is released when that has settled', () => {
    const bench = asking();
    answer(bench, AGENT);
    bench.auto.requests = true;
    bench.media({ kind: 'mediaMoved', legId: AGENT });
    bench.media({ kind: 'mediaMoved', legId: CALLER });
    assert.equal(offers(bench, AGENT).at(-1), 'ours sendrecv');
    answer(bench, CALLER);
    bench.clock.advance(3_000);
    assert.equal(events(bench, 'media_released').length, 1);
  });
});

describe('a party that will not come back', () => {
  it('is asked three times, and then is one without media', () => {
    const bench = stable({ transfer: { afterAgent: 'resume-bot' } });
    bench.auto.requests = false;
    reinvite(bench, CALLER, sdp('sendrecv', 'anew'));
    answer(bench, AGENT, 488);
    bench.clock.advance(2_000);
    answer(bench, AGENT, 488);
    bench.clock.advance(2_000);
    answer(bench, AGENT, 488);
    assert.equal(bench.sent('bye', AGENT).length, 0);
    bench.clock.advance(2_000);
    assert.equal(bench.sent('bye', AGENT).length, 1);
    assert.equal(events(bench, 'media_lost').length, 1);
  });

  it('and whose dialog is gone (481) is gone', () => {
    const bench = stable();
    bench.auto.requests = false;
    reinvite(bench, CALLER, sdp('sendrecv', 'anew'));
    answer(bench, AGENT, 481);
    assert.equal(bench.endRecord().endedBy, 'agent');
    bench.assertOver();
  });
});

describe('the media worker dies while the audio goes past it', () => {
  it('nobody is told of anything; the new ports are named when it is taken back', () => {
    const bench = stable();
    for (const legId of [CALLER, AGENT]) bench.media({ kind: 'mediaMoved', legId });
    bench.clock.advance(10_000);
    assert.deepEqual([offers(bench, AGENT).length, offers(bench, CALLER).length], [1, 1]);
    reinvite(bench, CALLER, HOLD);
    bench.media({ kind: 'mediaResumed', legId: CALLER, gapMs: 90_000 });
    assert.deepEqual(events(bench, 'media_moved'), []);
    assert.deepEqual(cause(bench), ['hold']);
  });

  it('with the offer out that takes it back: the peer learns the new ports by one more', () => {
    const bench = stable();
    bench.auto.requests = false;
    reinvite(bench, CALLER, HOLD);
    bench.media({ kind: 'mediaMoved', legId: AGENT });
    answer(bench, AGENT);
    assert.deepEqual(offers(bench, AGENT).length, 3);
  });

  it('a party without a worker goes on talking', () => {
    const bench = stable();
    bench.media({ kind: 'mediaLost', legId: CALLER, detail: 'no worker' });
    assert.equal(bench.call.state, 'with_agent');
    assert.equal(events(bench, 'media_lost').length, 1);
  });
});
