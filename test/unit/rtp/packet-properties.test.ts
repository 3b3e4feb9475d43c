import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseRtpPacket } from 'rtp-parser';
import {
  rtpPayloadEnd,
  rtpPayloadStart,
  rtpSequence,
  rtpSsrc,
  rtpTimestamp,
} from '../../../src/rtp/packet.js';
import { buildRtcp, parseRtcp } from '../../../src/rtp/rtcp.js';
import { TelephoneEventDetector } from '../../../src/rtp/telephone-event.js';

const RUNS = { numRuns: 2000 };
const word = fc.nat(0xffffffff);
const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

/** A valid packet by the grammar, and what it holds. */
const packet = fc
  .record({
    payloadType: fc.nat(127),
    marker: fc.boolean(),
    sequence: fc.nat(0xffff),
    timestamp: word,
    ssrc: word,
    sources: fc.array(word, { maxLength: 15 }),
    extension: fc.option(fc.array(word, { maxLength: 8 })),
    padding: fc.nat(255),
    payload: bytes(320),
  })
  .map((parts) => {
    const { payloadType, marker, sequence, timestamp, ssrc, sources, extension, padding, payload } = parts;
    const words = [timestamp, ssrc, ...sources];
    const head = Buffer.alloc(4 + words.length * 4 + (extension ? 4 + extension.length * 4 : 0));
    head.writeUInt8(0x80 | (padding > 0 ? 0x20 : 0) | (extension ? 0x10 : 0) | sources.length, 0);
    head.writeUInt8((marker ? 0x80 : 0) | payloadType, 1);
    head.writeUInt16BE(sequence, 2);
    words.forEach((one, at) => head.writeUInt32BE(one, 4 + at * 4));
    const behind = 4 + words.length * 4;
    if (extension) {
      head.writeUInt16BE(extension.length, behind + 2);
      extension.forEach((one, at) => head.writeUInt32BE(one, behind + 4 + at * 4));
    }
    const pad = Buffer.alloc(padding);
    if (padding > 0) pad.writeUInt8(padding, padding - 1);
    return { ...parts, bytes: Buffer.concat([head, payload, pad]) };
  });

/** The same bytes in the middle of others, as a datagram lies in its pool: whoever reads beyond sees them. */
function pooled(inside: Buffer, around: number): Buffer {
  const pool = Buffer.alloc(inside.length + 600, around);
  inside.copy(pool, 300);
  return pool.subarray(300, 300 + inside.length);
}

const figures = fc.record({
  ssrc: word,
  fractionLost: fc.nat(255),
  cumulativeLost: fc.integer({ min: -0x800000, max: 0x7fffff }),
  extendedHighestSequence: word,
  jitter: word,
  lastSenderReport: word,
  delaySinceLastSenderReport: word,
});
const report = fc.record({
  ssrc: word,
  cname: fc.string({ maxLength: 80 }),
  sender: fc.option(
    fc.record({ wallMs: fc.nat(4_000_000_000_000), rtpTimestamp: word, packets: word, octets: word }),
  ),
  block: fc.option(figures),
  bye: fc.boolean(),
});

describe('RTP and RTCP, by properties', () => {
  it('finds the payload of every valid packet, as rtp-parser finds its header (RFC 3550 5.1)', () => {
    fc.assert(
      fc.property(packet, ({ bytes: whole, payload, sequence, timestamp, ssrc, sources, payloadType }) => {
        const start = rtpPayloadStart(whole);
        assert.ok(start > 0, `fault ${start}`);
        assert.deepEqual(whole.subarray(start, rtpPayloadEnd(whole)), payload);
        assert.deepEqual(
          [rtpSequence(whole), rtpTimestamp(whole), rtpSsrc(whole)],
          [sequence, timestamp, ssrc],
        );
        const read = parseRtpPacket(whole);
        assert.deepEqual(
          [read.sequenceNumber, read.timestamp, read.ssrc, read.payloadType, read.csrcCount],
          [sequence, timestamp, ssrc, payloadType, sources.length],
        );
      }),
      RUNS,
    );
  });

  it('judges a datagram by its own bytes alone, whatever lies around it', () => {
    const cut = fc
      .tuple(packet, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(15), fc.nat(255))
      .map(([{ bytes: whole }, share, at, value]) => {
        const short = Buffer.from(whole.subarray(0, Math.floor(share * whole.length)));
        if (at < short.length) short[at] = value;
        return short;
      });
    fc.assert(
      fc.property(fc.oneof(cut, bytes(200)), (inside) => {
        const readings = [0x00, 0xff, 0x81].map((around) => {
          const datagram = pooled(inside, around);
          const start = rtpPayloadStart(datagram);
          return [start, start < 0 ? 0 : rtpPayloadEnd(datagram), parseRtcp(datagram)];
        });
        assert.deepEqual(readings[1], readings[0]);
        assert.deepEqual(readings[2], readings[0]);
        const [start, end] = readings[0] as [number, number];
        if (start >= 0) assert.ok(start <= end && end <= inside.length);
      }),
      RUNS,
    );
  });

  it('reads back every report that it writes, with whatever other packets stand behind it (RFC 3550 6)', () => {
    const other = fc
      .tuple(fc.constantFrom(204, 205, 206, 207, 255), fc.nat(31), fc.nat(6))
      .map(([type, count, words]) => {
        const one = Buffer.alloc(4 + words * 4, 0x5a);
        one.writeUInt8(0x80 | count, 0);
        one.writeUInt8(type, 1);
        one.writeUInt16BE(words, 2);
        return one;
      });
    fc.assert(
      fc.property(report, fc.array(other, { maxLength: 3 }), (written, others) => {
        const read = parseRtcp(Buffer.concat([buildRtcp(written), ...others]));
        assert.ok(read);
        assert.deepEqual([read.ssrc, read.bye], [written.ssrc, written.bye]);
        assert.deepEqual(read.blocks, written.block ? [{ ...written.block }] : []);
        assert.equal(read.sender?.octets, written.sender?.octets);
        if (Buffer.byteLength(written.cname) < 256)
          assert.equal(read.cname, Buffer.from(written.cname).toString());
      }),
      RUNS,
    );
  });

  it('never throws on a compound with lies in it, and takes none that is longer than its datagram', () => {
    const lie = fc.tuple(report, fc.nat(255), fc.nat(200), fc.nat(200));
    fc.assert(
      fc.property(lie, ([written, value, at, length]) => {
        const whole = buildRtcp(written);
        if (at < whole.length) whole[at] = value;
        parseRtcp(whole.subarray(0, length));
        const longer = Buffer.from(whole);
        longer.writeUInt16BE(whole.length / 4, 2);
        assert.equal(parseRtcp(longer), null);
      }),
      RUNS,
    );
  });

  it('makes of any sequence of telephone-events no more presses than there are events (RFC 4733 2.5)', () => {
    const event = fc.tuple(fc.nat(20), fc.boolean(), fc.nat(0xffff), fc.nat(6), fc.nat(5), fc.boolean());
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let presses = 0;
        let begun = 0;
        const detector = new TelephoneEventDetector(
          8000,
          (_digit, durationMs) => {
            presses++;
            assert.ok(Number.isFinite(durationMs) && durationMs >= 0);
          },
          () => begun++,
        );
        let nowMs = 0;
        for (const [code, end, duration, timestamp, length, late] of events) {
          nowMs += late ? 300 : 20;
          const payload = Buffer.from([code, end ? 0x80 : 0, duration >> 8, duration & 0xff, 0]);
          detector.push(1, timestamp * 80_000, payload, 0, length, nowMs);
          detector.expire(nowMs);
        }
        detector.expire(nowMs + 1000);
        assert.equal(detector.open, false);
        assert.equal(presses, begun, 'each press that begins is told once');
        assert.ok(presses <= events.length);
      }),
      RUNS,
    );
  });
});
