import assert from 'node:assert/strict';
import { SRTP_PREFERENCE, type SrtpSuite } from '../../../src/rtp/srtp/suites.js';
import { MediaRig } from './media-rig.js';
import type { Phone } from './phone.js';
import { SecurePhone } from './secure-phone.js';

const VOICE = Buffer.alloc(160, 0x11);
const OTHER = Buffer.alloc(160, 0x22);

/** Sends every 20 ms until `done` resolves. */
async function while20ms<T>(send: () => void, done: Promise<T>): Promise<T> {
  const timer = setInterval(send, 20);
  try {
    return await done;
  } finally {
    clearInterval(timer);
  }
}

describe('media over SRTP', () => {
  let rig: MediaRig;
  let plain: Phone;
  let toPlain: number;
  const phones: SecurePhone[] = [];
  beforeEach(async () => {
    rig = await MediaRig.start();
    plain = await rig.phone();
    toPlain = await rig.leg('plain', plain);
  });
  afterEach(async () => {
    for (const phone of phones.splice(0)) phone.close();
    await rig.close();
  });

  const securePhone = async (suite: SrtpSuite, fill: number): Promise<SecurePhone> => {
    const phone = await SecurePhone.open(suite, fill);
    phones.push(phone);
    return phone;
  };
  const leg = async (
    legId: string,
    phone: SecurePhone,
    symmetricRtp = false,
    port?: number,
  ): Promise<number> =>
    phone.learn(await rig.offer(legId, phone.sdp(port), { srtp: 'required', symmetricRtp }));
  const plainHears = (payload: Buffer): Promise<unknown> =>
    plain.hearsOne((packet) => packet.payload.equals(payload));

  for (const suite of SRTP_PREFERENCE) {
    it(`relays between ${suite} and plain RTP, both ways, over the wrap of the sequence`, async () => {
      const phone = await securePhone(suite, 1);
      const to = await leg('secure', phone);
      rig.bridge('secure', 'plain');
      await while20ms(
        () => {
          phone.send(to, phone.next(VOICE));
          plain.say(toPlain, OTHER);
        },
        Promise.all([plain.hears(60), phone.until(() => phone.heard.length >= 60)]),
      );
      assert.ok(plain.heard.some((packet) => packet.payload.equals(VOICE)));
      assert.ok(phone.heard.some((packet) => packet.payload.equals(OTHER)));
      assert.equal(phone.strange, 0);
      const { stats } = await rig.closeLeg('secure');
      assert.equal(stats!.packetsRejected, 0, JSON.stringify(stats));
      await phone.until(() => phone.reports > 0);
    });
  }

  it('relays between two keys, and a hand-over leaves stream and key of the caller as they are', async () => {
    const caller = await securePhone('AES_CM_128_HMAC_SHA1_80', 1);
    const agent = await securePhone('AEAD_AES_128_GCM', 2);
    const toCaller = await leg('caller', caller);
    rig.bridge('caller', 'plain');
    const heardBot = caller.until(() => caller.heard.some(({ payload }) => payload.equals(OTHER)));
    await while20ms(() => {
      plain.say(toPlain, OTHER);
      caller.send(toCaller, caller.next(VOICE));
    }, heardBot);
    rig.hear('caller', { kind: 'music', file: null });
    const toAgent = await leg('agent', agent);
    rig.bridge('caller', 'agent');
    const spoken = Buffer.alloc(160, 0x33);
    await while20ms(
      () => {
        agent.send(toAgent, agent.next(spoken));
        caller.send(toCaller, caller.next(VOICE));
      },
      Promise.all([
        caller.until(() => caller.heard.filter(({ payload }) => payload.equals(spoken)).length > 10),
        agent.until(() => agent.heard.filter(({ payload }) => payload.equals(VOICE)).length > 10),
      ]),
    );
    assert.equal(new Set(caller.heard.map(({ ssrc }) => ssrc)).size, 1);
    caller.heard.forEach(({ sequence }, at) => {
      if (at > 0) assert.equal(sequence, (caller.heard[at - 1]!.sequence + 1) & 0xffff);
    });
    assert.equal(caller.strange + agent.strange, 0);
  });

  it('takes nothing that is not authentic, counts it, and does not let it move the stream', async () => {
    const [party, thief] = [
      await securePhone('AES_CM_128_HMAC_SHA1_80', 1),
      await securePhone('AES_CM_128_HMAC_SHA1_80', 9),
    ];
    // The party is behind NAT: its packets come from elsewhere than its SDP says, and so do the thief's.
    const to = await leg('secure', party, true, 9);
    thief.learn(await rig.offer('other', thief.sdp(), { srtp: 'required' }));
    rig.hear('secure', { kind: 'silence' });
    rig.hear('plain', { kind: 'leg', legId: 'secure' });
    const until = Date.now() + 400;
    await while20ms(
      () => thief.send(to, thief.next(OTHER)),
      new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          if (Date.now() < until) return;
          clearInterval(timer);
          resolve();
        }, 20);
      }),
    );
    await while20ms(
      () => {
        thief.send(to, thief.next(OTHER));
        party.send(to, party.next(VOICE));
      },
      Promise.all([plainHears(VOICE), party.until(() => party.heard.length > 5)]),
    );
    assert.equal(thief.heard.length + thief.strange, 0, 'nothing was ever sent to the thief');
    assert.ok(!plain.heard.some((packet) => packet.payload.equals(OTHER)));
    const { stats } = await rig.closeLeg('secure');
    assert.ok(stats!.packetsRejected >= 10, JSON.stringify(stats));
  });

  it('refuses what was changed, what comes again, and plain RTP', async () => {
    const phone = await securePhone('AES_CM_128_HMAC_SHA1_32', 1);
    const to = await leg('secure', phone);
    rig.hear('plain', { kind: 'leg', legId: 'secure' });
    await while20ms(() => phone.send(to, phone.next(VOICE)), plainHears(VOICE));
    const changed = phone.next(OTHER);
    changed[40]! ^= 1;
    phone.send(to, changed);
    const good = phone.next(VOICE);
    phone.send(to, good);
    phone.send(to, good);
    phone.send(to, Buffer.concat([Buffer.from([0x80, 0, 1, 2, 0, 0, 0, 9, 0, 0, 0, 9]), OTHER]));
    phone.send(to, good.subarray(0, 13));
    await while20ms(() => phone.send(to, phone.next(VOICE)), plainHears(VOICE));
    const { stats } = await rig.closeLeg('secure');
    assert.equal(stats!.packetsRejected, 4, JSON.stringify(stats));
    assert.ok(!plain.heard.some((packet) => packet.payload.equals(OTHER)));
  });

  it('follows the peer to a new key by a new offer, without a break and with the same key of ours', async () => {
    const phone = await securePhone('AES_CM_128_HMAC_SHA1_80', 1);
    const to = await leg('secure', phone);
    rig.bridge('secure', 'plain');
    await while20ms(() => phone.send(to, phone.next(VOICE)), plainHears(VOICE));
    const late = phone.next(VOICE);
    phone.rekey(5);
    await leg('secure', phone);
    const count = plain.heard.length;
    phone.send(to, late);
    await while20ms(
      () => {
        phone.send(to, phone.next(OTHER));
        plain.say(toPlain, OTHER);
      },
      Promise.all([
        plainHears(OTHER),
        phone.until(() => phone.heard.some(({ payload }) => payload.equals(OTHER))),
      ]),
    );
    assert.ok(
      plain.heard.slice(count).some((packet) => packet.payload.equals(VOICE)),
      'under way at the change',
    );
    assert.equal(phone.strange, 0);
    const { stats } = await rig.closeLeg('secure');
    assert.equal(stats!.packetsRejected, 0, JSON.stringify(stats));
  });
});
