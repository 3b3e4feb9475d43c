import assert from 'node:assert/strict';
import type { MediaEvent } from '../../../src/call/media-port.js';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import { SRTP_PREFERENCE } from '../../../src/rtp/srtp/suites.js';
import { CALL, MediaRig } from './media-rig.js';
import type { Phone } from './phone.js';
import { SecurePhone, type HeardSecurely } from './secure-phone.js';

const VOICE = Buffer.alloc(160, 0x11);
const OTHER = Buffer.alloc(160, 0x22);
const FORGED = Buffer.alloc(160, 0x33);

describe('media over SRTP: the worker of a call dies', function () {
  this.timeout(20_000);
  let rig: MediaRig;
  let plain: Phone;
  let phone: SecurePhone | null = null;
  let talking: NodeJS.Timeout | null = null;
  const spares: MediaWorkers[] = [];

  beforeEach(async () => {
    rig = await MediaRig.start({ first: 31_500, last: 31_599 });
    plain = await rig.phone();
  });
  afterEach(async () => {
    if (talking) clearInterval(talking);
    talking = null;
    phone?.close();
    await rig.close();
    await Promise.all(spares.splice(0).map((workers) => workers.close()));
  });

  async function spare(index: number, first: number): Promise<void> {
    const workers = await startMediaWorkers({
      count: 1,
      address: '127.0.0.1',
      portRange: { first, last: first + 99 },
      logLevel: 'silent',
    });
    spares.push(workers);
    rig.media.attachWorker(index, workers.connect()[0]!);
  }

  const moved = (legId: string): Promise<MediaEvent> =>
    rig.next((event) => event.kind === 'mediaMoved' && event.legId === legId);

  /** The re-INVITE that tells the phone of new ports, and its answer with the key that it has always had. */
  async function told(secure: SecurePhone): Promise<number> {
    const offer = await rig.ask({
      kind: 'makeOffer',
      callId: CALL,
      legId: 'secure',
      requestId: rig.requestId(),
      party: 'caller',
      codecs: ['PCMU', 'PCMA'],
      symmetricRtp: false,
      direction: 'sendrecv',
      srtp: 'required',
    });
    const port = secure.learn(offer);
    const requestId = rig.requestId();
    const taken = await rig.ask({ kind: 'takeAnswer', legId: 'secure', requestId, remoteSdp: secure.sdp() });
    assert.equal(taken.kind, 'mediaReady');
    return port;
  }

  /** RFC 3711 9.1: under one key no SSRC and index may come with two contents. */
  function noKeystreamTwice(heard: readonly HeardSecurely[]): void {
    const seen = new Map<string, Buffer>();
    for (const { ssrc, sequence, sealed } of heard) {
      const before = seen.get(`${ssrc} ${sequence}`);
      assert.ok(!before || before.equals(sealed), `two packets ${sequence} of ${ssrc}`);
      seen.set(`${ssrc} ${sequence}`, sealed);
    }
  }

  for (const suite of SRTP_PREFERENCE) {
    it(`${suite}: goes on in the peer's twelfth turn of the sequence, under the same keys and with another SSRC of ours`, async () => {
      const secure = (phone = await SecurePhone.open(suite, 1));
      let toSecure = secure.learn(await rig.offer('secure', secure.sdp(), { srtp: 'required' }));
      let toPlain = await rig.leg('plain', plain);
      rig.bridge('secure', 'plain');
      // Hours in a moment: what a receiver that lost them all takes is a jump of half a turn at most.
      let jump = 30_000;
      talking = setInterval(() => {
        secure.send(toSecure, secure.next(VOICE));
        secure.sequence = (secure.sequence + jump) & 0xffff;
        plain.say(toPlain, OTHER);
      }, 20);
      while (secure.turns < 12) await plain.hears(plain.heard.length + 1);
      jump = 0;
      const replay = secure.next(FORGED);
      secure.send(toSecure, Buffer.from(replay));
      await plain.hearsOne(({ payload }) => payload.equals(FORGED), 0);
      await plain.hearsOne(({ payload }) => payload.equals(VOICE));
      secure.sequence = (secure.sequence + 20_000) & 0xffff;
      await plain.hearsOne(({ payload }) => payload.equals(VOICE), plain.heard.length + 1);
      const { ssrc } = secure.heard.at(-1)!;
      const both = Promise.all([moved('secure'), moved('plain')]);
      await spare(1, 31_700);
      await rig.workers.kill!();
      await both;
      const from = plain.heard.length;
      toSecure = await told(secure);
      secure.send(toSecure, replay);
      toPlain = await rig.leg('plain', plain);
      await plain.hearsOne(({ payload }) => payload.equals(VOICE), from);
      await secure.until(() => secure.heard.some((one) => one.ssrc !== ssrc && one.payload.equals(OTHER)));
      assert.ok(
        plain.heard.slice(from).every(({ payload }) => !payload.equals(FORGED)),
        'a replay is not taken',
      );
      assert.equal(new Set(secure.keys).size, 1, 'our key stays');
      const ssrcs = new Set(secure.heard.map(({ ssrc }) => ssrc));
      assert.equal(ssrcs.size, 2, 'a stream of each worker');
      noKeystreamTwice(secure.heard);
      assert.equal(secure.strange, 0);
      const { stats } = await rig.closeLeg('secure');
      assert.equal(stats!.packetsRejected, 1, JSON.stringify(stats));
    });
  }

  it('a second loss changes nothing: what the first worker told of is still known', async () => {
    const secure = (phone = await SecurePhone.open('AES_CM_128_HMAC_SHA1_80', 1));
    let toSecure = secure.learn(await rig.offer('secure', secure.sdp(), { srtp: 'required' }));
    await rig.leg('plain', plain);
    rig.bridge('secure', 'plain');
    let jump = 30_000;
    talking = setInterval(() => {
      secure.send(toSecure, secure.next(VOICE));
      secure.sequence = (secure.sequence + jump) & 0xffff;
    }, 20);
    while (secure.turns < 10) await plain.hears(plain.heard.length + 1);
    jump = 0;
    let victim = rig.workers;
    for (const round of [1, 2]) {
      await spare(round, 31_700 + 100 * round);
      const gone = moved('secure');
      await victim.kill!();
      victim = spares.at(-1)!;
      await gone;
      const from = plain.heard.length;
      toSecure = await told(secure);
      await plain.hearsOne(({ payload }) => payload.equals(VOICE), from);
    }
    noKeystreamTwice(secure.heard);
    assert.equal(secure.strange, 0);
  });
});
