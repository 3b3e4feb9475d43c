import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as g711 from '../../../src/rtp/g711.js';
import { toneAmplitude, toneShare } from '../../../src/rtp/goertzel.js';
import { rtpPayloadEnd, rtpPayloadStart, rtpTimestamp, writeRtpHeader } from '../../../src/rtp/packet.js';
import { buildRtcp, parseRtcp } from '../../../src/rtp/rtcp.js';
import { SourceStatistics } from '../../../src/rtp/source-statistics.js';
import { TelephoneEventDetector, writeTelephoneEvent } from '../../../src/rtp/telephone-event.js';
import { toneSamples } from '../../../src/rtp/tone.js';

describe('RTP packet (RFC 3550 5.1)', () => {
  it('never reads beyond a hostile packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const packet = Buffer.from(bytes);
        if (packet.length > 0) packet[0] = 0x80 | (packet[0]! & 0x3f);
        const start = rtpPayloadStart(packet);
        if (start >= 0) assert.ok(start <= rtpPayloadEnd(packet) && rtpPayloadEnd(packet) <= packet.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('writes what it reads, up to the highest values', () => {
    const packet = Buffer.alloc(12);
    writeRtpHeader(packet, 0, 0x80, 127, 0xffff, 0xffffffff, 0xfffffffe);
    assert.equal(packet.toString('hex'), '80fffffffffffffffffffffe');
    assert.equal(rtpTimestamp(packet), 0xffffffff);
  });
});

describe('source statistics (RFC 3550 A.1, A.3, A.8)', () => {
  it('counts what never came over a wrap of the sequence', () => {
    const statistics = new SourceStatistics(8000);
    for (let i = 0; i < 100; i++) {
      if (i % 10 !== 5) statistics.update(1, (65_500 + i) & 0xffff, i * 160, i * 20, true);
    }
    assert.deepEqual([statistics.received, statistics.lost], [90, 10]);
    const report = statistics.report();
    assert.equal(report.extendedHighestSequence, 65_500 + 99);
    assert.equal(report.fractionLost, Math.floor((10 * 256) / 100));
    assert.equal(statistics.jitterMs, 0);
  });

  it('does not count duplicates, reordering or a restart as loss', () => {
    const statistics = new SourceStatistics(8000);
    for (const sequence of [1, 2, 4, 3, 3, 40_000, 40_001, 40_002]) {
      statistics.update(1, sequence, sequence * 160, sequence * 20, true);
    }
    assert.equal(statistics.lost, 0);
  });

  it('counts what never came though others came twice, and reports as RFC 3550 has it', () => {
    const statistics = new SourceStatistics(8000);
    let twice = 0;
    for (let i = 0; i < 400; i++) {
      if (i % 20 === 7) continue;
      statistics.update(1, (65_400 + i) & 0xffff, i * 160, i * 20, true);
      if (i % 10 === 3) statistics.update(1, (65_400 + i - (i % 4)) & 0xffff, i * 160, i * 20, true);
      if (i % 10 === 3) twice++;
    }
    assert.deepEqual([statistics.received, statistics.lost], [380 + twice, 20]);
    assert.equal(statistics.report().cumulativeLost, 20 - twice);
  });

  it('estimates jitter in milliseconds', () => {
    const statistics = new SourceStatistics(8000);
    for (let i = 0; i < 500; i++) statistics.update(1, i, i * 160, i * 20 + (i % 2) * 10, true);
    assert.ok(Math.abs(statistics.jitterMs - 10) < 0.5, String(statistics.jitterMs));
  });
});

describe('RTCP (RFC 3550 6.4)', () => {
  const block = {
    ssrc: 7,
    fractionLost: 3,
    cumulativeLost: 12,
    extendedHighestSequence: 70_000,
    jitter: 5,
    lastSenderReport: 0x11223344,
    delaySinceLastSenderReport: 65_536,
  };

  it('reads back the compound that it builds', () => {
    for (const cname of ['a', 'ab', 'abc', 'abcd', 'abcde']) {
      const sender = { wallMs: 1_700_000_000_500, rtpTimestamp: 99, packets: 10, octets: 1600 };
      const packet = buildRtcp({ ssrc: 42, cname, sender, block, bye: true });
      assert.equal(packet.length % 4, 0);
      const parsed = parseRtcp(packet)!;
      assert.deepEqual([parsed.ssrc, parsed.cname, parsed.bye], [42, cname, true]);
      assert.deepEqual(parsed.blocks, [block]);
      assert.equal(parsed.sender!.octets, 1600);
      assert.equal(parsed.sender!.ntpMiddle, packet.readUInt32BE(10));
    }
    assert.equal(
      parseRtcp(buildRtcp({ ssrc: 1, cname: 'x', sender: null, block: null, bye: false }))?.sender,
      null,
    );
  });

  it('never throws on what it is sent', () => {
    const whole = buildRtcp({ ssrc: 42, cname: 'x', sender: null, block, bye: true });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, length) => {
        const packet = Buffer.from(whole);
        packet[at] = value;
        parseRtcp(packet.subarray(0, length));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('telephone-event (RFC 4733)', () => {
  it('joins the segments of a long event and ignores late packets of an event before', () => {
    const seen: [string, number][] = [];
    const detector = new TelephoneEventDetector(8000, (digit, durationMs) => seen.push([digit, durationMs]));
    const push = (timestamp: number, event: number, end: boolean, duration: number, at: number): void => {
      const payload = Buffer.alloc(4);
      writeTelephoneEvent(payload, 0, event, end, duration);
      detector.push(1, timestamp, payload, 0, 4, at);
    };
    push(1000, 4, false, 0xffff, 0);
    push(1000 + 0xffff, 4, false, 160, 20);
    push(1000 + 0xffff, 4, true, 320, 40);
    push(1000, 4, true, 0xffff, 41);
    assert.deepEqual(seen, [['4', Math.round((0xffff + 320) / 8)]]);
    assert.equal(detector.open, false);
  });
});

describe('G.711', () => {
  it('has the values of the standard at its edges', () => {
    assert.deepEqual(
      [0, -1, 32_635, -32_635, 1000].map((sample) => g711.LINEAR_TO_ULAW[sample & 0xffff]),
      [0xff, 0x7f, 0x80, 0x00, 0xce],
    );
    assert.deepEqual(
      [0, -1, 32_767, -32_768, 1000].map((sample) => g711.LINEAR_TO_ALAW[sample & 0xffff]),
      [0xd5, 0x55, 0xaa, 0x2a, 0xfa],
    );
    assert.deepEqual([g711.ULAW_TO_LINEAR[0], g711.ALAW_TO_LINEAR[0x2a]], [-32_124, -32_256]);
  });

  it('gives every code back, and every sample within half a step', () => {
    for (const law of ['PCMU', 'PCMA'] as const) {
      const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
      const linear = g711.decodeG711(codes, law);
      assert.deepEqual(g711.decodeG711(g711.encodeG711(linear, law), law), linear);
      for (let sample = -32_000; sample <= 32_000; sample += 37) {
        const [coded] = g711.decodeG711(g711.encodeG711(Int16Array.of(sample), law), law);
        // Sixteen steps to a segment: half a step is at most 1/32 of the value.
        assert.ok(Math.abs(coded! - sample) <= 8 + Math.abs(sample) / 31, `${law} ${sample} became ${coded}`);
      }
    }
  });

  it('translates silence to silence', () => {
    assert.equal(g711.ULAW_TO_ALAW[g711.ULAW_SILENCE], g711.ALAW_SILENCE);
    assert.ok(Math.abs(g711.ULAW_TO_LINEAR[g711.ALAW_TO_ULAW[g711.ALAW_SILENCE]!]!) <= 8);
  });
});

describe('tone detector', () => {
  it('finds a tone and tells it from its neighbours', () => {
    const samples = toneSamples(425, 800, 6000);
    assert.ok(Math.abs(toneAmplitude(samples, 425) - 6000) < 100);
    assert.ok(toneShare(samples, 425) > 0.98);
    assert.ok(toneShare(samples, 700) < 0.02);
    assert.equal(toneShare(new Int16Array(100), 425), 0);
  });
});
