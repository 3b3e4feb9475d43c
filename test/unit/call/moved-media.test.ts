import assert from 'node:assert/strict';
import type { CallRecord } from '../../../src/call/call-record.js';
import { CallBench, sdp } from '../../support/call/call-bench.js';

function events(bench: CallBench, name: string): Extract<CallRecord, { kind: 'call.event' }>[] {
  return bench.records.filter((record) => record.kind === 'call.event').filter((one) => one.name === name);
}

describe('media that has other ports than before', () => {
  it('is told to the peer by re-INVITE, and recorded with the time until it was heard again', () => {
    const bench = new CallBench().withBot();
    bench.media({ kind: 'mediaMoved', legId: 'c1.1' });
    assert.equal(bench.requests('INVITE', 'c1.1').length, 1);
    assert.equal(bench.requests('INVITE', 'c1.2').length, 0);
    assert.deepEqual(events(bench, 'media_moved'), []);
    bench.media({ kind: 'mediaResumed', legId: 'c1.1', gapMs: 340 });
    assert.deepEqual(
      events(bench, 'media_moved').map(({ detail }) => detail),
      [{ leg: 'c1.1', party: 'caller', gapMs: 340 }],
    );
    bench.clock.advance(10_000);
    assert.equal(events(bench, 'media_moved').length, 1);
  });

  it('is recorded without a figure where the peer sends nothing', () => {
    const bench = new CallBench().withBot();
    bench.media({ kind: 'mediaMoved', legId: 'c1.2' });
    bench.clock.advance(5_000);
    assert.deepEqual(
      events(bench, 'media_moved').map(({ detail }) => detail['gapMs']),
      [null],
    );
  });

  it('is told once the call is answered, where it is not yet', () => {
    const bench = new CallBench();
    bench.incoming();
    bench.media({ kind: 'mediaMoved', legId: 'c1.1' });
    bench.media({ kind: 'mediaMoved', legId: 'c1.2' });
    assert.equal(bench.requests('INVITE', 'c1.1').length + bench.requests('INVITE', 'c1.2').length, 0);
    bench.accepted('c1.2');
    bench.established('c1.1');
    assert.deepEqual(
      ['c1.1', 'c1.2'].map((legId) => bench.requests('INVITE', legId).length),
      [1, 1],
    );
  });

  it('is offered again after a glare (RFC 3261 14.1)', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    bench.media({ kind: 'mediaMoved', legId: 'c1.1' });
    bench.respond('INVITE', 491);
    bench.clock.advance(2_100);
    assert.equal(bench.requests('INVITE', 'c1.1').length, 2);
    bench.respond('INVITE', 200, {}, sdp());
    bench.media({ kind: 'mediaResumed', legId: 'c1.1', gapMs: 2400 });
    assert.equal(events(bench, 'media_moved')[0]?.detail['gapMs'], 2400);
  });

  it('that the peer refuses is media that failed', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    bench.media({ kind: 'mediaMoved', legId: 'c1.1' });
    bench.respond('INVITE', 488);
    assert.equal(events(bench, 'media_move_refused').length, 1);
    assert.equal(bench.endRecord().cause, 'caller_media_timeout');
  });

  it('that is gone for good ends the leg', () => {
    const bench = new CallBench().withBot();
    bench.media({ kind: 'mediaLost', legId: 'c1.2', detail: 'no ports' });
    assert.equal(events(bench, 'media_lost').length, 1);
    assert.match(bench.endRecord().cause, /^bot_failed/);
  });
});
