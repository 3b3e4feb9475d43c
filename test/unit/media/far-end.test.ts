import assert from 'node:assert/strict';
import { FarReports } from '../../../src/media/worker/far-reports.js';
import { OneWayWatch } from '../../../src/media/worker/one-way-watch.js';
import { estimateMos } from '../../../src/rtp/e-model.js';
import { buildRtcp, ntpMiddle, parseRtcp, type ReportBlock } from '../../../src/rtp/rtcp.js';

function block(more: Partial<ReportBlock>): ReportBlock {
  return {
    ssrc: 1,
    fractionLost: 0,
    cumulativeLost: 0,
    extendedHighestSequence: 0,
    jitter: 0,
    lastSenderReport: 0,
    delaySinceLastSenderReport: 0,
    ...more,
  };
}

describe('what the far end reports (RFC 3550 6.4.1)', () => {
  it('the time of an SR as it is echoed is the middle of its NTP time', () => {
    const wallMs = 1_790_000_123_456;
    const sender = { wallMs, rtpTimestamp: 0, packets: 0, octets: 0 };
    const read = parseRtcp(buildRtcp({ ssrc: 1, cname: 'a', sender, block: null, bye: false }));
    assert.equal(read?.sender?.ntpMiddle, ntpMiddle(wallMs));
  });

  it('the round trip is the time since the SR less the delay at the peer; mean and longest', () => {
    const far = new FarReports();
    far.sentReport(7, 1000);
    far.take(block({ lastSenderReport: 7, delaySinceLastSenderReport: 65_536 }), 100, 2080);
    far.sentReport(8, 6000);
    far.take(block({ lastSenderReport: 8, delaySinceLastSenderReport: 32_768 }), 100, 6620);
    assert.deepEqual([far.roundTripMs, far.roundTripMaxMs], [100, 120]);
  });

  it('a report on an SR that was never sent, or with a delay beyond its age, has no round trip', () => {
    const far = new FarReports();
    far.sentReport(7, 1000);
    far.take(block({ lastSenderReport: 9 }), 100, 1100);
    far.take(block({ lastSenderReport: 7, delaySinceLastSenderReport: 3 * 65_536 }), 100, 1100);
    far.take(block({ lastSenderReport: 0 }), 100, 1100);
    far.take(block({ lastSenderReport: 7 }), 100, 60_000);
    assert.equal(far.roundTripMs, null);
  });

  it('its count of lost packets is never more than were sent, nor less than none', () => {
    const far = new FarReports();
    assert.deepEqual([far.lost, far.jitter], [null, null]);
    far.take(block({ cumulativeLost: 5000, jitter: 80 }), 100, 0);
    assert.deepEqual([far.lost, far.jitter], [100, 80]);
    far.take(block({ cumulativeLost: -3 }), 100, 0);
    assert.equal(far.lost, 0);
  });
});

describe('estimated quality (ITU-T G.107)', () => {
  it('is 4.4 for G.711 on a good path, and falls with loss, delay and jitter', () => {
    const good = estimateMos({ loss: 0, jitterMs: 0, roundTripMs: 0 });
    assert.ok(Math.abs(good - 4.4) < 0.05, String(good));
    const worse = [
      estimateMos({ loss: 0.01, jitterMs: 0, roundTripMs: 0 }),
      estimateMos({ loss: 0.05, jitterMs: 0, roundTripMs: 0 }),
      estimateMos({ loss: 0.2, jitterMs: 0, roundTripMs: 0 }),
    ];
    assert.deepEqual(
      [...worse].sort((a, b) => b - a),
      worse,
    );
    assert.ok(worse[0]! < good && worse[2]! < 2.8, worse.join());
    const slow = estimateMos({ loss: 0, jitterMs: 0, roundTripMs: 800 });
    assert.ok(slow < 3.6 && slow > 2.5, String(slow));
    assert.ok(estimateMos({ loss: 0, jitterMs: 100, roundTripMs: 0 }) < good);
  });

  it('stays between 1 and 4.5 whatever comes', () => {
    assert.equal(estimateMos({ loss: 1, jitterMs: 5000, roundTripMs: 10_000 }), 1);
    assert.ok(estimateMos({ loss: -1, jitterMs: 0, roundTripMs: null }) <= 4.5);
  });
});

describe('audio in one direction alone', () => {
  it('is told of once, after ten seconds, and again only after both ways were there', () => {
    const watch = new OneWayWatch();
    watch.setAgreed(true, 0);
    assert.equal(watch.check(9_900, 9_900, 0), null);
    assert.deepEqual(watch.check(10_000, 10_000, 0), { missing: 'received', forMs: 10_000 });
    assert.equal(watch.check(10_100, 10_100, 0), null);
    assert.equal(watch.check(20_000, 20_000, 19_990), null);
    assert.deepEqual(watch.check(31_000, 31_000, 20_000), { missing: 'received', forMs: 11_000 });
  });

  it('is told of after the time that is configured', () => {
    const watch = new OneWayWatch(3_000);
    watch.setAgreed(true, 0);
    assert.equal(watch.check(2_999, 2_999, 0), null);
    assert.deepEqual(watch.check(3_000, 3_000, 0), { missing: 'received', forMs: 3_000 });
  });

  it('is told of in the other direction too', () => {
    const watch = new OneWayWatch();
    watch.setAgreed(true, 0);
    assert.deepEqual(watch.check(12_000, 1_000, 12_000), { missing: 'sent', forMs: 11_000 });
  });

  it('is no fault on hold, nor where nothing flows at all', () => {
    const watch = new OneWayWatch();
    assert.equal(watch.check(50_000, 50_000, 0), null);
    watch.setAgreed(true, 50_000);
    assert.equal(watch.check(55_000, 55_000, 0), null);
    assert.equal(watch.check(80_000, 55_000, 0), null);
    watch.setAgreed(false, 81_000);
    assert.equal(watch.check(99_000, 99_000, 0), null);
  });
});
