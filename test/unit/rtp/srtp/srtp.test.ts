import assert from 'node:assert/strict';
import fc from 'fast-check';
import { writeRtpHeader } from '../../../../src/rtp/packet.js';
import { estimateIndex } from '../../../../src/rtp/srtp/packet-index.js';
import { REPLAY_WINDOW, ReplayWindow } from '../../../../src/rtp/srtp/replay-window.js';
import { SrtpReceiver } from '../../../../src/rtp/srtp/srtp-receiver.js';
import { SrtpSender } from '../../../../src/rtp/srtp/srtp-sender.js';
import { masterBytes, SRTP_PREFERENCE, type SrtpSuite } from '../../../../src/rtp/srtp/suites.js';

const SSRC = 0x89abcdef;
const RTCP = Buffer.from('81c900078899aabb1122334400000000000000000000000000000000000000000', 'hex');

const masterOf = (suite: SrtpSuite, fill = 7): Buffer => Buffer.alloc(masterBytes(suite), fill);

function rtp(sequence: number, payload: Buffer = Buffer.from('hello'), ssrc = SSRC): Buffer {
  const packet = Buffer.alloc(12 + payload.length);
  writeRtpHeader(packet, 0, 0, 8, sequence & 0xffff, sequence * 160, ssrc);
  payload.copy(packet, 12);
  return packet;
}

/** The packet as the peer would have it; it has to be there. */
function seal(sender: SrtpSender, packet: Buffer): Buffer {
  const sealed = sender.protect(packet, 0, packet.length);
  assert.ok(sealed);
  return sealed;
}

for (const suite of SRTP_PREFERENCE) {
  describe(`SRTP: ${suite}`, () => {
    let sender: SrtpSender;
    let receiver: SrtpReceiver;
    beforeEach(() => {
      sender = new SrtpSender(suite, masterOf(suite));
      receiver = new SrtpReceiver(suite, masterOf(suite));
    });
    const takes = (packet: Buffer): boolean => typeof receiver.unprotect(packet, 12) === 'number';

    it('gives back what was protected, in order, for any payload', () => {
      let sequence = 65_000;
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 1500 }), (payload) => {
          const plain = rtp(sequence++, Buffer.from(payload));
          const sealed = seal(sender, plain);
          assert.equal(
            sealed.length,
            plain.length + { 80: 10, 32: 4, CM: 16 }[suite.slice(-2) as '80' | '32' | 'CM'],
          );
          if (payload.length > 8) assert.ok(!sealed.includes(Buffer.from(payload)));
          const end = receiver.unprotect(sealed, 12);
          assert.equal(end, plain.length);
          assert.deepEqual(sealed.subarray(0, plain.length), plain);
        }),
      );
    });

    it('refuses a packet of which any bit was changed, and leaves it as it came', () => {
      fc.assert(
        fc.property(fc.nat(), (at) => {
          const other = new SrtpReceiver(suite, masterOf(suite));
          const sealed = seal(new SrtpSender(suite, masterOf(suite)), rtp(100));
          const bit = at % (sealed.length * 8);
          sealed[bit >> 3]! ^= 1 << (bit & 7);
          const before = Buffer.from(sealed);
          assert.equal(typeof other.unprotect(sealed, 12), 'string');
          assert.deepEqual(sealed, before);
        }),
      );
    });

    it('refuses a packet under another key, and one that is too short', () => {
      const stranger = new SrtpSender(suite, masterOf(suite, 8));
      assert.equal(receiver.unprotect(seal(stranger, rtp(1)), 12), 'SRTP not authentic');
      assert.equal(receiver.unprotect(rtp(1, Buffer.alloc(1)), 12), 'shorter than SRTP');
    });

    it('takes each packet once, also when they come out of order', () => {
      const packets = Array.from({ length: 200 }, (_, at) => seal(sender, rtp(65_450 + at)));
      const copies = packets.map((packet) => Buffer.from(packet));
      const swapped = packets.flatMap((packet, at) =>
        at % 2 === 0 && packets[at + 1] ? [packets[at + 1]!, packet] : [],
      );
      assert.ok(swapped.every(takes));
      for (const copy of copies) assert.equal(receiver.unprotect(copy, 12), 'SRTP seen before');
    });

    it('keeps the rollover counter over the wrap with losses around it, and over losses of almost half a turn', () => {
      for (const sequence of [
        65_000,
        65_535,
        65_536 + 900,
        65_536 + 898,
        65_536 + 33_000,
        2 * 65_536 + 100,
      ]) {
        assert.ok(takes(seal(sender, rtp(sequence))), `packet ${sequence}`);
      }
      assert.deepEqual(receiver.indices.get(SSRC), 2 * 65_536 + 100);
    });

    it('takes a late packet of before the wrap', () => {
      const late = seal(sender, rtp(65_530));
      const early = seal(sender, rtp(65_529));
      assert.ok(takes(early));
      assert.ok(takes(seal(sender, rtp(65_540))));
      assert.ok(takes(late));
    });

    it('finds a stream of which everything before its first wrap was lost', () => {
      for (let sequence = 65_500; sequence < 65_540; sequence++) seal(sender, rtp(sequence));
      assert.ok(takes(seal(sender, rtp(65_540))));
      assert.equal(receiver.indices.get(SSRC), 65_540);
    });

    it('finds the first stream in a later turn, as after a media worker was replaced, and a second one not', () => {
      for (let sequence = 0; sequence < 300_000; sequence += 20_000) {
        seal(sender, rtp(sequence));
        seal(sender, rtp(sequence, undefined, SSRC + 1));
      }
      assert.ok(takes(seal(sender, rtp(300_000))));
      assert.equal(receiver.indices.get(SSRC), 300_000);
      assert.ok(!takes(seal(sender, rtp(300_000, undefined, SSRC + 1))));
    });

    it('has a rollover counter for each SSRC', () => {
      for (let sequence = 40_000; sequence < 140_000; sequence += 20_000) {
        assert.ok(takes(seal(sender, rtp(sequence))));
      }
      assert.ok(takes(seal(sender, rtp(10, undefined, SSRC + 1))));
      assert.ok(takes(seal(sender, rtp(140_000))));
    });

    it('goes on after a change of key with the rollover counter of before, or with a new one', () => {
      for (let sequence = 40_000; sequence < 140_000; sequence += 20_000) {
        assert.ok(takes(seal(sender, rtp(sequence))));
      }
      const anew = new SrtpSender(suite, masterOf(suite, 9));
      const after = new SrtpReceiver(suite, masterOf(suite, 9), receiver.indices);
      assert.equal(typeof after.unprotect(seal(anew, rtp(140_000)), 12), 'number', 'begins anew');

      const going = new SrtpSender(suite, masterOf(suite, 9));
      for (let sequence = 40_000; sequence < 140_000; sequence += 20_000) seal(going, rtp(sequence));
      const other = new SrtpReceiver(suite, masterOf(suite, 9), receiver.indices);
      assert.equal(typeof other.unprotect(seal(going, rtp(140_000)), 12), 'number', 'goes on');
    });

    it('is gone on with by another receiver that was told every quarter turn, which takes nothing older', () => {
      const told: [number, number][] = [];
      receiver = new SrtpReceiver(suite, masterOf(suite), new Map(), {
        onReached: (ssrc, index) => told.push([ssrc, index]),
      });
      let old = seal(sender, rtp(60_000));
      let last = 60_000;
      for (; last < 1_000_000; last += 4000) {
        const packet = seal(sender, rtp(last + 4000));
        if (last < 960_000) old = Buffer.from(packet);
        assert.ok(takes(packet));
      }
      assert.equal(told.length, Math.floor(last / 16_384) - Math.floor(64_000 / 16_384) + 1);
      const before = told.at(-1)![1];
      assert.ok(last - before < 16_384);
      // The one that told is gone; what it saw since the last time is not known.
      receiver = new SrtpReceiver(suite, masterOf(suite), new Map(), { reached: new Map(told) });
      assert.equal(receiver.indices.get(SSRC), before);
      assert.ok(!takes(old), 'a replay');
      assert.ok(takes(seal(sender, rtp(last + 30_000))));
      assert.ok(takes(seal(sender, rtp(last + 50_000))));
      assert.equal(receiver.indices.get(SSRC), last + 50_000);
    });

    it('never sends two packets under one index', () => {
      seal(sender, rtp(5));
      seal(sender, rtp(6));
      const again = rtp(5, Buffer.from('other'));
      assert.equal(sender.protect(again, 0, again.length), null);
    });

    it('protects RTCP, and refuses what was changed, seen, or not encrypted', () => {
      const first = sender.protectRtcp(RTCP);
      const second = sender.protectRtcp(RTCP);
      assert.ok(first && second);
      assert.notDeepEqual(first, second);
      assert.deepEqual(first.subarray(0, 8), RTCP.subarray(0, 8));
      const copy = Buffer.from(first);
      assert.equal(receiver.unprotectRtcp(first), RTCP.length);
      assert.deepEqual(first.subarray(0, RTCP.length), RTCP);
      assert.equal(receiver.unprotectRtcp(copy), 'SRTP seen before');
      second[9]! ^= 1;
      assert.equal(receiver.unprotectRtcp(second), 'SRTP not authentic');
      assert.equal(receiver.unprotectRtcp(Buffer.alloc(60, 1)), 'SRTP not authentic');
      assert.equal(receiver.unprotectRtcp(Buffer.alloc(9)), 'shorter than SRTP');
    });
  });
}

describe('SRTP: index and replay window', () => {
  it('takes the index that is nearest to the highest (RFC 3711 3.3.1)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.integer({ min: -32_767, max: 32_767 }),
        (highest, step) => {
          const index = highest + step;
          fc.pre(index >= 0);
          assert.equal(estimateIndex(index & 0xffff || index % 65_536, highest), index);
        },
      ),
    );
  });

  it('tells used indices apart as a set does, within its window', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 47 }),
        fc.array(fc.integer({ min: -300, max: 400 })),
        (start, steps) => {
          const window = new ReplayWindow();
          const used = new Set<number>();
          let highest = -1;
          let at = start;
          for (const step of steps) {
            at = Math.max(0, at + step);
            const tooOld = highest - at >= REPLAY_WINDOW;
            assert.equal(window.isNew(at), !used.has(at) && !tooOld);
            if (!window.isNew(at)) continue;
            window.use(at);
            used.add(at);
            highest = Math.max(highest, at);
          }
        },
      ),
    );
  });
});
