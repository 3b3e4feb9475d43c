import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/common/random.js';
import { GapMeter } from '../../../src/media/worker/gap-meter.js';
import { Latch } from '../../../src/media/worker/latch.js';
import { OutgoingStream } from '../../../src/media/worker/outgoing-stream.js';
import { Pacer } from '../../../src/media/worker/pacer.js';
import { PortAllocator, splitPortRange } from '../../../src/media/worker/port-allocator.js';
import { sequenceDistance, timestampDistance } from '../../../src/rtp/sequence.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('outgoing stream', () => {
  const stream = (): OutgoingStream => new OutgoingStream(seededRandom(1));

  it('keeps the losses and the order of its source', () => {
    const out = stream();
    const base = 65_534;
    const sent: number[] = [];
    for (const step of [0, 1, 3, 2, 5]) {
      assert.ok(out.relay(9, (base + step) & 0xffff, step * 160, 0, true, step * 20));
      out.sent(160, 160, step * 20);
      sent.push(out.sequence);
    }
    assert.deepEqual(
      sent.map((sequence) => sequenceDistance(sequence, sent[0]!)),
      [0, 1, 3, 2, 5],
    );
  });

  it('drops a packet of the new source from before the switch', () => {
    const out = stream();
    out.generate(0);
    out.sent(160, 160, 0);
    out.switchSource();
    assert.ok(out.relay(9, 100, 16_000, 0, true, 20));
    assert.equal(out.markerBit, 0x80);
    out.sent(160, 160, 20);
    assert.ok(!out.relay(9, 99, 15_840, 0, true, 21));
  });

  it('goes on without a jump when the source begins a new SSRC, sequence or timeline', () => {
    const out = stream();
    const packets: readonly [number, number, number][] = [
      [1, 10, 1000],
      [2, 60_000, 9_000_000],
      [2, 5, 9_000_160],
      [2, 6, 4_000_000_000],
    ];
    let [sequence, timestamp] = [0, 0];
    packets.forEach(([ssrc, source, at], index) => {
      assert.ok(out.relay(ssrc, source, at, 0, true, index * 20));
      out.sent(160, 160, index * 20);
      if (index > 0) {
        assert.equal(sequenceDistance(out.sequence, sequence), 1);
        assert.equal(timestampDistance(out.timestamp, timestamp), 160);
      }
      [sequence, timestamp] = [out.sequence, out.timestamp];
    });
  });

  it('gives no number twice where a late packet comes behind some that were left out', () => {
    const out = stream();
    const numbers = new Map<number, number>();
    const relay = (sequence: number): void => {
      assert.ok(out.relay(9, sequence, sequence * 160, 0, true, sequence * 20));
      out.sent(160, 160, sequence * 20);
      numbers.set(sequence, out.sequence);
    };
    for (const sequence of [10, 12]) relay(sequence);
    for (const sequence of [13, 14, 15]) out.skipRelayed(9, sequence);
    for (const sequence of [11, 16, 17]) relay(sequence);
    const first = numbers.get(10)!;
    assert.deepEqual(
      [...numbers].map(([sequence, number]) => [sequence, sequenceDistance(number, first)]),
      [
        [10, 0],
        [12, 2],
        [11, 1],
        [16, 3],
        [17, 4],
      ],
    );
  });

  it('keeps one timestamp for a telephone-event that silence of ours came in between of (RFC 4733 2.5.1.2)', () => {
    const out = stream();
    const event = (sequence: number, nowMs: number): number => {
      assert.ok(out.relay(9, sequence, 5000, 0, false, nowMs));
      out.sent(4, 0, nowMs);
      return out.timestamp;
    };
    const began = event(10, 0);
    out.switchSource();
    let last = 0;
    for (let frame = 0; frame < 40; frame++) {
      out.generate(1000 + frame * 20);
      out.sent(160, 160, 1000 + frame * 20);
      last = out.sequence;
    }
    out.switchSource();
    assert.equal(event(60, 1800), began);
    assert.equal(out.markerBit, 0);
    assert.equal(sequenceDistance(out.sequence, last), 1);
    assert.equal(event(61, 1801), began);
    assert.ok(out.relay(9, 62, 5000 + 8 * 1820, 0, true, 1820));
    assert.ok(timestampDistance(out.timestamp, began) > 8 * 1800 - 160, 'audio goes on behind the silence');
    assert.equal(out.markerBit, 0x80);
    out.sent(160, 160, 1820);
    assert.equal(event(63, 1840), began, 'also behind the first audio');
    assert.ok(out.relay(9, 64, 40_000, 0, false, 1860));
    assert.notEqual(out.timestamp, began, 'another press');
  });

  it('lets the timestamp follow the time in which nothing was sent', () => {
    const out = stream();
    out.generate(0);
    out.sent(160, 160, 0);
    const before = out.timestamp;
    out.generate(1000);
    assert.equal(timestampDistance(out.timestamp, before), 8000);
    assert.equal(out.markerBit, 0x80);
  });
});

describe('gap meter', () => {
  it('takes off the time that the last packet lasts', () => {
    const meter = new GapMeter();
    meter.sound(90, 20);
    meter.start(100);
    meter.sound(130, 20);
    assert.equal(meter.stop(150), 20);
  });

  it('counts to the end, and from the start', () => {
    const meter = new GapMeter();
    meter.start(1000);
    meter.sound(1100, 20);
    meter.sound(1120, 20);
    assert.equal(meter.stop(1300), 160);
    assert.equal(meter.stop(2000), 0);
  });

  it('leaves out the time on hold', () => {
    const meter = new GapMeter();
    meter.start(0);
    meter.sound(0, 20);
    meter.setReceiving(false, 50);
    meter.setReceiving(true, 5050);
    meter.sound(5060, 20);
    assert.equal(meter.stop(5080), 30);
  });
});

describe('pacer', () => {
  it('ticks every 20 ms without drift and stops when nobody is left', () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock);
    const ticks: number[] = [];
    const paced = {
      tick: (nowMs: number) => {
        ticks.push(nowMs);
        return ticks.length < 5;
      },
    };
    clock.advance(3);
    pacer.add(paced, 0);
    clock.advance(500);
    assert.deepEqual(
      ticks.map((at) => at - ticks[0]!),
      [0, 20, 40, 60, 80],
    );
    assert.ok(ticks[0]! <= 8);
    assert.equal(clock.pendingTimers, 0);
  });

  it('begins at the next packet time of a stream that was just sent on', () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(clock);
    const ticks: number[] = [];
    pacer.add(
      {
        tick: (nowMs) => {
          ticks.push(nowMs);
          return false;
        },
      },
      17,
    );
    clock.advance(100);
    assert.deepEqual(ticks, [20]);
    pacer.close();
  });
});

describe('latch', () => {
  const party = { address: '192.0.2.5', port: 4000 };

  it('takes nobody before signalling has named an address', () => {
    assert.equal(new Latch(true).judge('192.0.2.5', 4000, 0), 'wait');
  });

  it('without symmetric RTP takes another port of the signalled address, but sends to the signalled one', () => {
    const latch = new Latch(false);
    latch.signal(party, 0);
    assert.equal(latch.judge('192.0.2.6', 4000, 0), 'reject');
    assert.equal(latch.judge('192.0.2.5', 4444, 0), 'wait');
    assert.equal(latch.judge('192.0.2.5', 4444, 120), 'accept');
    assert.deepEqual([latch.sendAddress, latch.sendPort], ['192.0.2.5', 4000]);
  });

  it('prefers the signalled address over a candidate, and lets nobody steal a locked stream', () => {
    const latch = new Latch(true);
    latch.signal(party, 0);
    assert.equal(latch.judge('203.0.113.1', 1, 0), 'wait');
    assert.equal(latch.judge(party.address, party.port, 50), 'accept');
    assert.equal(latch.judge('203.0.113.1', 1, 5000), 'reject');
    latch.signal(party, 6000);
    assert.equal(latch.judge('203.0.113.1', 1, 6000), 'reject');
  });

  it('gives the leg back to the signalled source where a stranger was there before it', () => {
    const latch = new Latch(true);
    latch.signal(party, 0);
    for (let at = 0; at <= 120; at += 20) latch.judge('203.0.113.1', 1, at);
    assert.equal(latch.judge('203.0.113.1', 1, 140), 'accept', 'as behind NAT');
    assert.equal(latch.refuses('203.0.113.2', 1), true);
    assert.equal(latch.refuses(party.address, party.port), false);
    assert.equal(latch.judge('203.0.113.1', 1, 150), 'accept', 'to ask changes nothing');
    assert.equal(latch.judge(party.address, party.port, 200), 'accept');
    assert.deepEqual([latch.sendAddress, latch.sendPort], [party.address, party.port]);
    assert.equal(latch.judge('203.0.113.1', 1, 220), 'reject');
  });

  it('lets another port of the signalled address go before a stranger who floods', () => {
    const latch = new Latch(true);
    latch.signal(party, 0);
    assert.equal(latch.judge('203.0.113.1', 1, 0), 'wait');
    assert.equal(latch.judge(party.address, 4444, 40), 'wait');
    assert.equal(latch.judge('203.0.113.1', 1, 120), 'reject');
    assert.equal(latch.judge(party.address, 4444, 160), 'accept');
    assert.equal(latch.sendPort, 4444);
  });

  it('does not fall back to the former source after a signalled change', () => {
    const latch = new Latch(true);
    latch.signal(party, 0);
    latch.judge(party.address, party.port, 0);
    latch.signal({ address: '192.0.2.9', port: 5000 }, 1000);
    for (let at = 1000; at < 1300; at += 20) assert.equal(latch.judge(party.address, party.port, at), 'wait');
    assert.equal(latch.judge('192.0.2.9', 5000, 1300), 'accept');
  });
});

describe('port allocator', () => {
  it('gives even ports whose pair lies in the range, each once, freed ones last', () => {
    const ports = new PortAllocator({ first: 20_001, last: 20_006 });
    assert.deepEqual([ports.take(), ports.take(), ports.take()], [20_002, 20_004, null]);
    ports.release(20_004);
    ports.release(20_002);
    assert.deepEqual([ports.take(), ports.inUse], [20_004, 1]);
  });

  it('splits a range among workers without overlap', () => {
    assert.deepEqual(splitPortRange({ first: 20_001, last: 20_011 }, 2), [
      { first: 20_002, last: 20_005 },
      { first: 20_006, last: 20_011 },
    ]);
  });
});
