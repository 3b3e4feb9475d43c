import assert from 'node:assert/strict';
import { decodeG711, encodeG711 } from '../../../src/rtp/g711.js';
import { toneAmplitude } from '../../../src/rtp/goertzel.js';
import { toneSamples } from '../../../src/rtp/tone.js';
import { MediaRig } from './media-rig.js';
import { eventPayload, type Phone } from './phone.js';

const TONES = [500, 900, 1300] as const;
const LEGS = ['call.1', 'call.2', 'call.3'] as const;
const FRAME = 160;

describe('three parties mixed', () => {
  let rig: MediaRig;
  let talking: NodeJS.Timeout[];
  beforeEach(async () => {
    rig = await MediaRig.start({ first: 31_000, last: 31_099 });
    talking = [];
  });
  afterEach(async () => {
    for (const timer of talking) clearInterval(timer);
    await rig.close();
  });

  /** Speaks a tone from now on. The tones have whole periods in 160 ms. */
  const talk = (phone: Phone, to: number, frequencyHz: number, law: 'PCMU' | 'PCMA'): void => {
    const codes = encodeG711(toneSamples(frequencyHz, 8 * FRAME, 6000), law);
    let frame = 0;
    talking.push(
      setInterval(() => {
        const at = (frame++ % 8) * FRAME;
        phone.say(to, codes.subarray(at, at + FRAME), law === 'PCMU' ? 0 : 8);
      }, 20),
    );
  };
  const amplitudes = (phone: Phone, from: number, law: 'PCMU' | 'PCMA'): number[] => {
    const codes = Buffer.concat(phone.heard.slice(from, from + 25).map(({ payload }) => payload));
    // Frame by frame: a packet that a busy machine brings late shifts the phase, not the amplitude.
    const frames = Array.from({ length: codes.length / FRAME }, (_, at) =>
      decodeG711(codes.subarray(at * FRAME, (at + 1) * FRAME), law),
    );
    return TONES.map(
      (tone) => frames.map((frame) => toneAmplitude(frame, tone)).sort((a, b) => a - b)[frames.length >> 1]!,
    );
  };

  it('each hears the two others and not itself, in its own codec and one unbroken stream', async () => {
    const laws = ['PCMU', 'PCMA', 'PCMU'] as const;
    const phones = await Promise.all(LEGS.map(() => rig.phone()));
    const ports: number[] = [];
    for (const [index, legId] of LEGS.entries())
      ports.push(await rig.leg(legId, phones[index]!, { formats: laws[index] === 'PCMU' ? '0' : '8' }));
    rig.bridge(LEGS[0], LEGS[1]);
    for (const [index, phone] of phones.entries()) talk(phone, ports[index]!, TONES[index]!, laws[index]!);
    await Promise.all([phones[0]!.hears(10), phones[1]!.hears(10)]);
    for (const legId of LEGS) rig.hear(legId, { kind: 'mix', legIds: LEGS });
    const from = phones.map(({ heard }) => heard.length + 20);
    await Promise.all(phones.map((phone, index) => phone.hears(from[index]! + 25)));
    for (const [index, phone] of phones.entries()) {
      const heard = amplitudes(phone, from[index]!, laws[index]!);
      for (const [other, amplitude] of heard.entries()) {
        const expected = other === index ? amplitude < 300 : amplitude > 4000;
        assert.ok(expected, `${LEGS[index]} hears ${TONES[other]} Hz at ${Math.round(amplitude)}`);
      }
      assert.equal(new Set(phone.heard.map(({ ssrc }) => ssrc)).size, 1);
      const gaps = phone.heard
        .slice(1)
        .map((packet, at) => packet.sequenceNumber - phone.heard[at]!.sequenceNumber);
      assert.ok(
        gaps.every((step) => step === 1 || step === -65_535),
        JSON.stringify(gaps),
      );
    }
  });

  it('goes on with silence where a party leaves, and back to two', async () => {
    const [a, b] = [await rig.phone(), await rig.phone()];
    const toA = await rig.leg(LEGS[0], a);
    await rig.leg(LEGS[1], b);
    rig.hear(LEGS[1], { kind: 'mix', legIds: [LEGS[0], LEGS[2]] });
    talk(a, toA, TONES[0], 'PCMU');
    await b.hears(30);
    await rig.closeLeg(LEGS[0]);
    const silent = decodeG711(Buffer.alloc(1, 0xff), 'PCMU')[0];
    await b.hearsOne(({ payload }) => decodeG711(payload, 'PCMU').every((sample) => sample === silent));
    const c = await rig.phone();
    const toC = await rig.leg(LEGS[2], c);
    talk(c, toC, TONES[2], 'PCMU');
    await b.hearsOne(({ payload }) => toneAmplitude(decodeG711(payload, 'PCMU'), TONES[2]) > 4000);
    rig.hear(LEGS[1], { kind: 'leg', legId: LEGS[2] });
    const marked = await b.hearsOne(({ marker }) => Boolean(marker));
    assert.equal(marked.ssrc, b.heard[0]!.ssrc);
  });

  it('reports a digit once, and nobody hears its packets as sound', async () => {
    const phones = await Promise.all(LEGS.map(() => rig.phone()));
    const ports: number[] = [];
    for (const [index, legId] of LEGS.entries()) ports.push(await rig.leg(legId, phones[index]!));
    for (const legId of LEGS) rig.hear(legId, { kind: 'mix', legIds: LEGS });
    talk(phones[1]!, ports[1]!, TONES[1], 'PCMU');
    await phones[2]!.hearsOne(({ payload }) => toneAmplitude(decodeG711(payload, 'PCMU'), TONES[1]) > 4000);
    const from = phones.map(({ heard }) => heard.length);
    const pressed = rig.next((event) => event.kind === 'dtmf');
    const [presser, to] = [phones[0]!, ports[0]!];
    for (const duration of [160, 320, 480])
      presser.say(to, eventPayload(5, false, duration), 101, { step: 0 });
    for (let end = 0; end < 3; end++) presser.say(to, eventPayload(5, true, 640), 101, { step: 0 });
    const event = await pressed;
    assert.ok(event.kind === 'dtmf' && event.digit === '5' && event.legId === LEGS[0]);
    await phones[2]!.hears(from[2]! + 20);
    assert.equal(rig.events.filter(({ kind }) => kind === 'dtmf').length, 1);
    for (const phone of phones.slice(1))
      assert.ok(
        phone.heard.every(({ payloadType }) => payloadType === 0),
        'no telephone-event goes out',
      );
    // The speaker itself hears silence: the digit is no sound.
    for (const { payload } of phones[1]!.heard.slice(from[1]))
      assert.ok(decodeG711(payload, 'PCMU').every((sample) => Math.abs(sample) < 50));
  });
});
