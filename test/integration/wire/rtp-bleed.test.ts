import assert from 'node:assert/strict';
import { until } from '../hostile/support/hostile-node.js';
import { MediaRig, portOf } from '../media/media-rig.js';
import { LIE } from './support/lies.js';
import { flood, type Flooded } from './support/flood.js';
import { RtpEnd } from './support/rtp-end.js';
import { toneIn } from './support/stream-reading.js';

const WITHIN_MS = 20_000;

describe('strangers at the ports of a call (RTP bleed)', function () {
  this.timeout(60_000);
  let rig: MediaRig;
  let party: RtpEnd;
  let listener: RtpEnd;

  beforeEach(async () => {
    rig = await MediaRig.start({ first: 38_200, last: 38_299 });
    party = await RtpEnd.open(500);
    listener = await RtpEnd.open(900);
  });
  afterEach(async () => {
    party.close();
    listener.close();
    await rig.close();
  });

  /** A leg of this party, where RTP of others may be taken (NAT); the node's port. */
  const leg = async (legId: string, end: RtpEnd): Promise<number> =>
    portOf(await rig.offer(legId, end.sdp(), { symmetricRtp: true }));
  /** A stranger who sprays the ports at a few hundred packets a second for so long. */
  const stranger = (to: number, forMs: number): Promise<Flooded> => {
    const packet = Buffer.alloc(172, LIE);
    packet.writeUInt16BE(0x8008, 0);
    return flood({ ports: [to], packets: forMs / 2, perSecond: 500, packet, address: '127.0.0.3' });
  };
  const lies = (end: RtpEnd, from = 0): number =>
    end.rtp.slice(from).filter(({ packet }) => packet.subarray(12).includes(Buffer.alloc(8, LIE))).length;
  const hears = (end: RtpEnd, hz: number): Promise<true> => {
    const from = end.rtp.length;
    return until(`${hz} Hz`, WITHIN_MS, () => {
      const heard = end.rtp.slice(from);
      return heard.length >= 10 && toneIn(heard.slice(-10), hz) === 1 ? true : undefined;
    });
  };
  async function joined(): Promise<number> {
    const [to, other] = [await leg('call.1', party), await leg('call.2', listener)];
    rig.bridge('call.1', 'call.2');
    listener.speak(other);
    return to;
  }

  it('who was there before the party loses the leg to it at its first packet', async () => {
    const to = await joined();
    const early = stranger(to, 1500);
    // The stranger is taken for a party behind NAT.
    await until('the stranger', WITHIN_MS, () => (lies(listener) > 0 ? true : undefined));
    party.speak(to);
    await Promise.all([hears(listener, 500), hears(party, 900)]);
    const from = listener.rtp.length;
    await early;
    const again = await stranger(to, 600);
    await hears(listener, 500);
    assert.equal(lies(listener, from), 0, 'the stranger is not heard any more');
    assert.equal(again.heard, 0, 'and hears nothing');
  });

  it('who comes after the party hears nothing and is not heard', async () => {
    const to = await joined();
    party.speak(to);
    await Promise.all([hears(listener, 500), hears(party, 900)]);
    const { heard } = await stranger(to, 800);
    await hears(listener, 500);
    assert.deepEqual([heard, lies(listener)], [0, 0]);
  });

  it('who floods while signalling moves the party is not taken before it speaks at its new address', async () => {
    const to = await joined();
    party.speak(to);
    await hears(listener, 500);
    const moved = await RtpEnd.open(1300);
    try {
      const flooding = stranger(to, 1500);
      moved.speak(to);
      await leg('call.1', moved);
      await Promise.all([hears(listener, 1300), hears(moved, 900)]);
      const from = listener.rtp.length;
      const { heard } = await flooding;
      await hears(listener, 1300);
      assert.equal(lies(listener, from), 0);
      assert.ok(heard < 10, `the stranger heard ${heard} packets`);
      assert.equal(toneIn(listener.rtp.slice(from), 500), 0, 'nor is the address before it');
    } finally {
      moved.close();
    }
  });
});
