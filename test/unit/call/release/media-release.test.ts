import assert from 'node:assert/strict';
import { nextReleaseState } from '../../../../src/call/release/release-state.js';
import { sdp } from '../../../support/call/call-bench.js';
import {
  AGENT,
  asking,
  benchOf,
  CALLER,
  events,
  joined,
  offers,
  reinvite,
  resting,
  stable,
} from './releasing.js';

describe('audio is led past us after a hand-over (RFC 3725)', () => {
  it('once caller and person have been joined for a second: the person is told first, then the caller', () => {
    const bench = joined();
    bench.auto.requests = false;
    bench.clock.advance(999);
    assert.deepEqual([offers(bench, AGENT), offers(bench, CALLER)], [[], []]);
    bench.clock.advance(1);
    assert.deepEqual([offers(bench, AGENT), offers(bench, CALLER)], [['to c1.1'], []]);
    bench.clock.advance(30);
    bench.respond('INVITE', 200, {}, sdp());
    assert.deepEqual([offers(bench, AGENT), offers(bench, CALLER)], [['to c1.1'], ['to c1.3']]);
    assert.deepEqual(events(bench, 'media_released'), []);
    assert.equal(resting(bench, AGENT), false);
    bench.clock.advance(20);
    bench.respond('INVITE', 200, {}, sdp());
    assert.deepEqual(events(bench, 'media_released'), [{ tookMs: 50 }]);
    assert.deepEqual([resting(bench, AGENT), resting(bench, CALLER)], [true, true]);
    assert.deepEqual([offers(bench, AGENT).length, offers(bench, CALLER).length], [1, 1]);
    bench.bye(CALLER);
    bench.assertOver();
  });

  it('not on trunks that do not ask for it, and without a word', () => {
    const bench = stable({ caller: { mediaRelease: false }, agent: { mediaRelease: false } });
    bench.clock.advance(60_000);
    assert.deepEqual([offers(bench, AGENT), offers(bench, CALLER)], [[], []]);
    assert.deepEqual(events(bench, 'media_kept'), []);
  });

  it('not while the call is with the bot', () => {
    const bench = benchOf().withBot();
    bench.clock.advance(60_000);
    assert.equal(bench.requests('INVITE').length, 0);
  });

  it('the watch for a mute caller stands still meanwhile', () => {
    const bench = stable({ project: { callerMediaTimeoutMs: 5_000 } });
    const watch = () => {
      const last = bench.mediaCommands('watch', CALLER).at(-1);
      return last?.kind === 'watch' ? last.timeoutMs : null;
    };
    assert.equal(watch(), 0);
    reinvite(bench, CALLER, sdp('sendonly'));
    reinvite(bench, CALLER, sdp('sendrecv'));
    assert.equal(watch(), 5_000);
  });

  it('an answer with new ports is told to the other one, who was told of the old ones', () => {
    const bench = asking();
    bench.respond('INVITE', 200, {}, sdp());
    bench.respond('INVITE', 200, {}, sdp('sendrecv', 'port=4000'));
    assert.match(bench.requests('INVITE', AGENT)[1]?.body ?? '', /direct c1\.1 4000/);
    assert.deepEqual(events(bench, 'media_released'), []);
    bench.respond('INVITE', 200, {}, sdp());
    assert.equal(events(bench, 'media_released').length, 1);
    assert.deepEqual([offers(bench, AGENT).length, offers(bench, CALLER).length], [2, 1]);
  });

  it('peers whose answers bring new ports every time are taken back for good', () => {
    const bench = asking();
    for (let port = 1; port <= 6; port++) bench.respond('INVITE', 200, {}, sdp('sendrecv', `port=${port}`));
    bench.auto.requests = true;
    for (const legId of [AGENT, CALLER]) {
      const last = bench.requests('INVITE', legId).at(-1)!;
      assert.match(last.body ?? '', /offer/);
      bench.signal({
        kind: 'response',
        legId,
        requestId: last.requestId,
        status: 200,
        reason: 'OK',
        headers: {},
        body: sdp(),
        wantsAck: false,
      });
    }
    assert.deepEqual(events(bench, 'media_kept'), [{ reason: 'unsettled' }]);
    assert.equal(events(bench, 'media_taken_back').length, 1);
    bench.clock.advance(60_000);
    assert.equal(events(bench, 'media_released').length, 0);
  });

  it('after a consultation that was joined too, and not before', () => {
    const bench = benchOf({ transfer: { mode: 'attended', acceptDigit: '1' } }).withBot();
    bench.transfer();
    bench.accepted(AGENT);
    bench.clock.advance(5_000);
    assert.equal(bench.requests('INVITE').length, 0);
    bench.media({ kind: 'dtmf', legId: AGENT, digit: '1', durationMs: 100 });
    assert.equal(bench.call.state, 'with_agent');
    bench.clock.advance(1_000);
    assert.deepEqual([offers(bench, AGENT), offers(bench, CALLER)], [['to c1.1'], ['to c1.3']]);
    assert.equal(events(bench, 'media_released').length, 1);
  });

  it('not while three talk; when the bot has left, the two are told of each other', () => {
    const threeWay = { durationMs: 20_000, digit: null };
    const bench = benchOf({ transfer: { mode: 'attended', threeWay } }).withBot();
    bench.transfer();
    bench.accepted(AGENT);
    bench.clock.advance(10_000);
    assert.equal(events(bench, 'media_released').length, 0);
    bench.clock.advance(11_000);
    assert.equal(events(bench, 'media_released').length, 1);
  });

  it('after an INVITE with Replaces too: who was replaced is left alone, the two are told of each other', () => {
    const bench = stable();
    bench.adopt('c1.7');
    bench.signal({
      kind: 'incomingReplaces',
      legId: 'c1.7',
      replacesLegId: AGENT,
      earlyOnly: false,
      invite: {
        sourceAddress: '10.0.0.7',
        sourcePort: 5080,
        transport: 'udp',
        requestUri: 'sip:x@y',
        called: '201',
        caller: '202',
        callerDisplayName: null,
        sipCallId: 'z@pbx',
        headers: {},
        sdp: sdp(),
        peer: { allow: null, supported: null, userAgent: null },
      },
    });
    bench.established('c1.7');
    assert.deepEqual(offers(bench, AGENT), ['to c1.1']);
    assert.deepEqual(events(bench, 'media_taken_back')[0]?.['cause'], 'parted');
    bench.clock.advance(1_000);
    assert.deepEqual(offers(bench, 'c1.7'), ['to c1.1']);
    assert.deepEqual(offers(bench, CALLER), ['to c1.3', 'ours sendrecv', 'to c1.7']);
    assert.equal(events(bench, 'media_released').length, 2);
  });
});

describe('audio stays with us, and the reason is told once', () => {
  const kept = (settings: Parameters<typeof stable>[0], reason: string): void => {
    const bench = stable(settings);
    bench.clock.advance(120_000);
    assert.deepEqual(events(bench, 'media_kept'), [{ reason }]);
    assert.deepEqual([offers(bench, AGENT), offers(bench, CALLER)], [[], []]);
    bench.bye(AGENT);
    bench.assertOver();
  };

  it('where one of the trunks does not allow it', () => kept({ agent: { mediaRelease: false } }, 'trunk'));
  it('where the project records', () =>
    kept(
      { project: { recording: { directory: '/tmp', consentFile: null, keepMs: 0, maxBytes: 0 } } },
      'recording',
    ));

  it('where a party takes no re-INVITE by its Allow', () => {
    const bench = benchOf().withBot();
    bench.transfer();
    bench.accepted(AGENT, sdp(), { allow: ['ACK', 'BYE'] });
    bench.clock.advance(60_000);
    assert.deepEqual(events(bench, 'media_kept'), [{ reason: 'peer_abilities' }]);
  });

  for (const [source, reason] of [
    ['elsewhere', 'nat'],
    ['unknown', 'media_kind'],
    ['nothing', 'unheard'],
  ] as const) {
    it(`where packets come from ${source}`, () => {
      const bench = joined();
      bench.sources.set(CALLER, source);
      bench.clock.advance(120_000);
      assert.deepEqual(events(bench, 'media_kept'), [{ reason }]);
      assert.equal(offers(bench, AGENT).length, 0);
    });
  }

  it('until a party that was mute has sent something', () => {
    const bench = joined();
    bench.sources.set(AGENT, 'nothing');
    bench.clock.advance(10_000);
    assert.equal(offers(bench, AGENT).length, 0);
    bench.sources.delete(AGENT);
    bench.clock.advance(1_000);
    assert.equal(events(bench, 'media_released').length, 1);
  });

  for (const reason of ['srtp', 'ip_version', 'codecs', 'dtmf', 'payload_types']) {
    it(`where the two descriptions do not fit (${reason})`, () => {
      const bench = joined();
      bench.refusal = reason;
      bench.clock.advance(120_000);
      assert.deepEqual(events(bench, 'media_kept'), [{ reason }]);
      assert.deepEqual(events(bench, 'media_taken_back'), []);
      assert.deepEqual([offers(bench, AGENT), offers(bench, CALLER)], [[], []]);
    });
  }

  it('while one of them holds, and no longer', () => {
    const bench = joined();
    reinvite(bench, CALLER, sdp('sendonly'));
    bench.clock.advance(60_000);
    assert.deepEqual(events(bench, 'media_kept'), [{ reason: 'hold' }]);
    assert.deepEqual(offers(bench, CALLER), []);
    reinvite(bench, CALLER, sdp('sendrecv'));
    bench.clock.advance(1_000);
    assert.equal(events(bench, 'media_released').length, 1);
  });

  it('where the person refuses: the caller hears nothing of it, and nobody is called back', () => {
    const bench = asking();
    bench.respond('INVITE', 488);
    bench.clock.advance(60_000);
    assert.deepEqual(events(bench, 'media_kept'), [{ reason: 'refused', status: 488 }]);
    assert.deepEqual(events(bench, 'media_taken_back'), []);
    assert.deepEqual([offers(bench, AGENT), offers(bench, CALLER)], [['to c1.1'], []]);
  });

  it('where the caller refuses: the person, who had been told already, is called back', () => {
    const bench = asking();
    bench.respond('INVITE', 200, {}, sdp());
    bench.respond('INVITE', 488);
    assert.deepEqual(offers(bench, AGENT), ['to c1.1', 'ours sendrecv']);
    bench.respond('INVITE', 200, {}, sdp());
    assert.equal(events(bench, 'media_taken_back')[0]?.['cause'], 'refused');
    assert.deepEqual(events(bench, 'media_kept'), [{ reason: 'refused', status: 488 }]);
    assert.deepEqual(offers(bench, CALLER), ['to c1.3']);
    bench.clock.advance(60_000);
    assert.deepEqual([offers(bench, AGENT).length, offers(bench, CALLER).length], [2, 1]);
  });

  it('where the answer of the person cannot be used: it is called back', () => {
    const bench = asking();
    bench.respond('INVITE', 200, {}, 'bad');
    assert.deepEqual(offers(bench, AGENT), ['to c1.1', 'ours sendrecv']);
    assert.deepEqual(offers(bench, CALLER), []);
    bench.respond('INVITE', 200, {}, sdp());
    assert.deepEqual(events(bench, 'media_kept'), [{ reason: 'refused', status: 200 }]);
  });

  it('after it was released three times', () => {
    const bench = stable();
    for (let time = 0; time < 4; time++) {
      reinvite(bench, CALLER, sdp('sendrecv', 'anew'));
      bench.clock.advance(10_000);
    }
    assert.equal(events(bench, 'media_released').length, 3);
    assert.equal(events(bench, 'media_taken_back').length, 3);
    assert.deepEqual(events(bench, 'media_kept'), [{ reason: 'too_often' }]);
    bench.bye(CALLER);
    bench.assertOver();
  });
});

describe('the states of a release', () => {
  it('name every trigger that cannot be', () => {
    assert.equal(nextReleaseState('idle', 'joined'), 'settling');
    assert.equal(nextReleaseState('released', 'told'), null);
    assert.equal(nextReleaseState('over', 'joined'), null);
  });
});
