import assert from 'node:assert/strict';
import { DtmfDetector } from '../../../src/rtp/dtmf-detector.js';
import { ULAW_TO_LINEAR } from '../../../src/rtp/g711.js';
import { ToneSender } from '../../../src/media/worker/tone-sender.js';
import { MediaRig } from './media-rig.js';
import { eventPayload, type Phone } from './phone.js';

describe('digits between legs that have them in different ways', () => {
  let rig: MediaRig;
  let a: Phone;
  let b: Phone;
  beforeEach(async () => {
    rig = await MediaRig.start({ first: 30_400, last: 30_499 });
    [a, b] = [await rig.phone(), await rig.phone()];
  });
  afterEach(() => rig.close());

  async function sendTones(to: number, digits: string): Promise<void> {
    const tones = new ToneSender();
    tones.enqueue(digits);
    for (let after = 0; after < 20; after += tones.busy ? 0 : 1) {
      const frame = Buffer.alloc(160);
      tones.next(frame, 0, 'PCMU');
      a.say(to, frame);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  it('finds tones, reports each press once, and sends it on as a telephone-event', async () => {
    const toA = await rig.leg('call.1', a, { formats: '0', dtmf: 'inband' });
    await rig.leg('call.2', b, { formats: '0 101' });
    rig.bridge('call.1', 'call.2');
    await sendTones(toA, '50');
    await b.hearsOne((packet) => packet.payloadType === 101 && packet.payload[0] === 0, 0);
    assert.deepEqual(
      rig.events.flatMap((event) => (event.kind === 'dtmf' ? [[event.digit, event.inband]] : [])),
      [
        ['5', true],
        ['0', true],
      ],
    );
    // What is left of the tone before it was recognised is too short to be a second press there.
    const heard = b.heard.filter(({ payloadType }) => payloadType === 0).map(({ payload }) => payload);
    assert.equal(keysIn(heard), '');
  });

  it('turns a telephone-event into tones', async () => {
    const toA = await rig.leg('call.1', a);
    await rig.leg('call.2', b, { formats: '0 101', dtmf: 'inband' });
    rig.bridge('call.1', 'call.2');
    for (let i = 0; i < 3; i++) a.say(toA, eventPayload(9, true, 800), 101, { step: 0 });
    const tone = await b.hearsOne((packet) => packet.payload.some((code) => code !== 0xff), 0);
    await b.hears(b.heard.length + 12);
    assert.equal(tone.payloadType, 0);
    assert.equal(keysIn(b.heard.map(({ payload }) => payload)), '9');
  });

  it('leaves it to INFO where that is configured, or where the party takes no telephone-event', async () => {
    const toA = await rig.leg('call.1', a);
    await rig.leg('call.2', b, { formats: '0 101', dtmf: 'info' });
    rig.bridge('call.1', 'call.2');
    const first = rig.next((event) => event.kind === 'dtmfByInfo');
    a.say(toA, eventPayload(4, true, 800), 101, { step: 0 });
    assert.deepEqual(await first, { kind: 'dtmfByInfo', legId: 'call.2', digits: '4' });
    const plain = await rig.phone();
    await rig.leg('call.3', plain, { formats: '0' });
    const second = rig.next((event) => event.kind === 'dtmfByInfo' && event.legId === 'call.3');
    rig.do({ kind: 'sendDtmf', legId: 'call.3', digits: '12' });
    assert.deepEqual(await second, { kind: 'dtmfByInfo', legId: 'call.3', digits: '12' });
  });
});

function keysIn(payloads: readonly Buffer[]): string {
  let keys = '';
  const detector = new DtmfDetector((key) => (keys += key));
  for (const payload of payloads) detector.push(payload, 0, payload.length, ULAW_TO_LINEAR);
  detector.idle();
  return keys;
}
