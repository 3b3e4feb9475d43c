import assert from 'node:assert/strict';
import type { MediaEvent } from '../../../src/call/media-port.js';
import { MediaRig } from './media-rig.js';
import type { Phone } from './phone.js';

const OPUS = ['a=rtpmap:100 opus/48000/2'];
const OTHER_OPUS = ['a=rtpmap:107 opus/48000/2'];
/** CELT, 20 ms. */
const opusPacket = (seed: number): Buffer => Buffer.from([31 << 3, seed, 1, 2, 3]);

describe('codecs that are passed through', () => {
  let rig: MediaRig;
  let a: Phone;
  let b: Phone;
  beforeEach(async () => {
    rig = await MediaRig.start({ first: 30_200, last: 30_299 });
    [a, b] = [await rig.phone(), await rig.phone()];
  });
  afterEach(() => rig.close());

  async function joined(
    first: Parameters<MediaRig['leg']>[2],
    second: Parameters<MediaRig['leg']>[2],
  ): Promise<number> {
    const toA = await rig.leg('call.1', a, first);
    await rig.leg('call.2', b, second);
    rig.bridge('call.1', 'call.2');
    return toA;
  }

  async function sayUntilHeard(say: () => void, count: number, payloadType: number): Promise<void> {
    const timer = setInterval(say, 20);
    try {
      await b.hearsOne((packet) => packet.payloadType === payloadType, 0);
      await b.hears(b.heard.length + count);
    } finally {
      clearInterval(timer);
    }
  }

  it('carries Opus byte by byte under the other number, on its own clock', async () => {
    const codecs = ['opus', 'PCMA'] as const;
    const toA = await joined(
      { formats: '100 8', extra: OPUS, codecs },
      { formats: '107 8', extra: OTHER_OPUS, codecs },
    );
    let seed = 0;
    await sayUntilHeard(() => a.say(toA, opusPacket(seed++ & 0xff), 100, { step: 960 }), 10, 107);
    const heard = b.heard.filter((packet) => packet.payloadType === 107);
    for (const [at, packet] of heard.slice(1).entries()) {
      assert.equal(packet.payload[1], heard[at]!.payload[1]! + 1);
      assert.equal((packet.timestamp - heard[at]!.timestamp) >>> 0, 960);
      assert.equal(packet.ssrc, heard[at]!.ssrc);
    }
    assert.ok(!rig.events.some((event) => event.kind === 'codecUnlike'));
    // Music comes in G.711, as another SSRC: the clock is another (RFC 7160).
    rig.hear('call.2', { kind: 'music', file: null });
    const music = await b.hearsOne((packet) => packet.payloadType === 8, 0);
    assert.notEqual(music.ssrc, heard[0]!.ssrc);
    assert.equal(music.payload.length, 160);
  });

  it('carries G.722 unchanged in the stream of G.711', async () => {
    const codecs = ['G722', 'PCMU'] as const;
    const toA = await joined({ formats: '9 0', codecs }, { formats: '9 0', codecs });
    const wideband = Buffer.alloc(160, 0x5a);
    await sayUntilHeard(() => a.say(toA, wideband, 9), 5, 9);
    assert.ok(
      b.heard.filter(({ payloadType }) => payloadType === 9).every(({ payload }) => payload.equals(wideband)),
    );
    assert.equal(new Set(b.heard.map(({ ssrc }) => ssrc)).size, 1);
  });

  it('asks for another codec once where the other side cannot take it', async () => {
    const asked = rig.next((event) => event.kind === 'codecUnlike');
    await joined(
      { formats: '100 8', extra: OPUS, codecs: ['opus', 'PCMA'] },
      { formats: '0', codecs: ['PCMU'] },
    );
    assert.deepEqual(await asked, { kind: 'codecUnlike', legId: 'call.1', codecs: ['PCMA'] });
    rig.bridge('call.1', 'call.2');
    // The re-INVITE that follows settles it.
    const toA = await rig.leg('call.1', a, { formats: '8', codecs: ['PCMA'] });
    await sayUntilHeard(() => a.say(toA, Buffer.alloc(160, 0x33), 8), 3, 0);
    assert.equal(rig.events.filter((event: MediaEvent) => event.kind === 'codecUnlike').length, 1);
  });

  it('passes comfort noise on where it was agreed, and makes silence of it where it was not', async () => {
    const codecs = ['PCMU', 'CN'] as const;
    const toA = await joined({ formats: '0 13', codecs }, { formats: '0 13', codecs });
    const voice = Buffer.alloc(160, 0x44);
    await sayUntilHeard(() => a.say(toA, voice), 1, 0);
    const noise = b.hearsOne((packet) => packet.payloadType === 13);
    a.say(toA, Buffer.from([40]), 13);
    assert.deepEqual((await noise).payload, Buffer.from([40]));
    await rig.leg('call.2', b, { formats: '0', codecs: ['PCMU'] });
    await sayUntilHeard(() => a.say(toA, voice), 1, 0);
    const silence = b.hearsOne((packet) => packet.payload.every((code) => code === 0xff));
    a.say(toA, Buffer.from([40]), 13);
    assert.equal((await silence).payloadType, 0);
  });

  it('sends packets of 10 ms to a peer that takes no longer ones', async () => {
    await rig.leg('call.1', a, { formats: '0', extra: ['a=maxptime:10'] });
    rig.hear('call.1', { kind: 'music', file: null });
    await a.hears(12);
    for (const [at, packet] of a.heard.slice(1, 12).entries()) {
      assert.equal(packet.payload.length, 80);
      assert.equal((packet.timestamp - a.heard[at]!.timestamp) >>> 0, 80);
      assert.equal((packet.sequenceNumber - a.heard[at]!.sequenceNumber) & 0xffff, 1);
    }
  });
});
