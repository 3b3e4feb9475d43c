import assert from 'node:assert/strict';
import { decodeG711, encodeG711 } from '../../../src/rtp/g711.js';
import { toneAmplitude } from '../../../src/rtp/goertzel.js';
import { toneSamples } from '../../../src/rtp/tone.js';
import { MediaRig } from './media-rig.js';
import { eventPayload, type Phone } from './phone.js';

const [CALLER, BOT, EAR] = ['call.1', 'call.2', 'call.3'] as const;
const [CALLER_HZ, BOT_HZ, EAR_HZ] = [500, 900, 1300] as const;
const FRAME = 160;

describe('somebody who listens to a party', function () {
  this.timeout(20_000);
  let rig: MediaRig;
  let talking: NodeJS.Timeout[];
  let phones: Phone[];
  let ports: number[];
  beforeEach(async () => {
    rig = await MediaRig.start({ first: 31_300, last: 31_399 });
    talking = [];
    phones = await Promise.all([CALLER, BOT, EAR].map(() => rig.phone()));
    ports = [];
    const laws = ['0', '8', '8'];
    for (const [index, legId] of [CALLER, BOT, EAR].entries())
      ports.push(await rig.leg(legId, phones[index]!, { formats: `${laws[index]} 101` }));
  });
  afterEach(async () => {
    for (const timer of talking) clearInterval(timer);
    await rig.close();
  });

  /** Speaks a tone from now on. The tones have whole periods in 160 ms. */
  const talk = (index: number, frequencyHz: number): void => {
    const law = index === 0 ? 'PCMU' : 'PCMA';
    const codes = encodeG711(toneSamples(frequencyHz, 8 * FRAME, 6000), law);
    let frame = 0;
    talking.push(
      setInterval(() => {
        const at = (frame++ % 8) * FRAME;
        phones[index]!.say(ports[index]!, codes.subarray(at, at + FRAME), law === 'PCMU' ? 0 : 8);
      }, 20),
    );
  };
  /** The middle amplitude of each tone in the 25 packets that this phone gets from its `from`th on. */
  const amplitudes = async (index: number, from: number): Promise<number[]> => {
    const phone = phones[index]!;
    await phone.hears(from + 25);
    const frames = phone.heard
      .slice(from, from + 25)
      .map(({ payload }) => decodeG711(payload, index === 0 ? 'PCMU' : 'PCMA'));
    return [CALLER_HZ, BOT_HZ, EAR_HZ].map(
      (tone) => frames.map((frame) => toneAmplitude(frame, tone)).sort((a, b) => a - b)[frames.length >> 1]!,
    );
  };
  const later = (index: number, packets: number): number => phones[index]!.heard.length + packets;

  it('gets both directions in one stream of its own codec, through every switch; is heard by nobody', async () => {
    rig.bridge(CALLER, BOT);
    talk(0, CALLER_HZ);
    talk(1, BOT_HZ);
    talk(2, EAR_HZ);
    rig.hear(EAR, { kind: 'tap', legId: CALLER });
    const [caller, bot, own] = await amplitudes(2, later(2, 25));
    assert.ok(caller! > 4000 && bot! > 4000, `hears the two at ${caller} and ${bot}`);
    assert.ok(own! < 300, `hears itself at ${own}`);
    for (const index of [0, 1]) {
      const heard = await amplitudes(index, later(index, 0));
      assert.ok(heard[2]! < 300, 'the one who listens is not heard');
      assert.ok(heard[1 - index]! > 4000, 'the other one is');
    }
    // The caller is given something else to hear: nobody tells the one who listens.
    rig.hear(CALLER, { kind: 'silence' });
    const [alone, gone] = await amplitudes(2, later(2, 25));
    assert.ok(alone! > 4000 && gone! < 300, `hears the two at ${alone} and ${gone}`);
    rig.hear(CALLER, { kind: 'ringback' });
    const at = later(2, 25);
    await phones[2]!.hears(at + 100);
    const ringing = phones[2]!.heard
      .slice(at)
      .map(({ payload }) => toneAmplitude(decodeG711(payload, 'PCMA'), 425));
    assert.ok(Math.max(...ringing) > 1000, 'the ringing tone of the caller');
    const { heard } = phones[2]!;
    assert.equal(new Set(heard.map(({ ssrc }) => ssrc)).size, 1);
    const steps = heard.slice(1).map((packet, index) => packet.sequenceNumber - heard[index]!.sequenceNumber);
    assert.ok(
      steps.every((step) => step === 1 || step === -65_535),
      JSON.stringify(steps),
    );
  });

  it('is told of by a tone of 200 ms over what the party hears, and over nothing else', async () => {
    rig.bridge(CALLER, BOT);
    talk(0, CALLER_HZ);
    talk(1, BOT_HZ);
    rig.hear(EAR, { kind: 'tap', legId: CALLER });
    await amplitudes(0, later(0, 5));
    const from = phones.map(({ heard }) => heard.length);
    rig.do({ kind: 'beep', legId: CALLER });
    await Promise.all(phones.map((phone, index) => phone.hears(from[index]! + 40)));
    const beeping = (index: number): number =>
      phones[index]!.heard.slice(from[index]).filter(
        ({ payload }) => toneAmplitude(decodeG711(payload, index === 0 ? 'PCMU' : 'PCMA'), 1400) > 2000,
      ).length;
    assert.ok(beeping(0) >= 9 && beeping(0) <= 11, `${beeping(0)} packets of 20 ms`);
    assert.equal(beeping(1), 0, 'the other party hears none of it');
    assert.ok(beeping(2) >= 8, 'who listens hears what the party hears');
    const speech = phones[0]!.heard
      .slice(from[0])
      .map(({ payload }) => toneAmplitude(decodeG711(payload, 'PCMU'), BOT_HZ));
    assert.ok(
      speech.every((amplitude) => amplitude > 4000),
      'speech goes on beneath it',
    );
  });

  it('gets no keys of the party, and silence where both are silent', async () => {
    rig.bridge(CALLER, BOT);
    rig.hear(EAR, { kind: 'tap', legId: CALLER });
    const digit = rig.next((event) => event.kind === 'dtmf');
    for (const [duration, end] of [
      [160, false],
      [320, true],
    ] as const)
      phones[0]!.say(ports[0]!, eventPayload(5, end, duration), 101);
    await digit;
    await phones[2]!.hears(20);
    assert.deepEqual([...new Set(phones[2]!.heard.map(({ payloadType }) => payloadType))], [8]);
  });

  it('follows to another party, and stops where it is told; a party that comes later is heard then', async () => {
    rig.hear(EAR, { kind: 'tap', legId: 'call.4' });
    const fourth = await rig.phone();
    phones.push(fourth);
    ports.push(await rig.leg('call.4', fourth, { formats: '8' }));
    talk(3, BOT_HZ);
    const late = await amplitudes(2, later(2, 25));
    assert.ok(late[1]! > 4000);
    talk(0, CALLER_HZ);
    rig.hear(EAR, { kind: 'tap', legId: CALLER });
    const [caller, former] = await amplitudes(2, later(2, 25));
    assert.ok(caller! > 4000 && former! < 300, `${caller} ${former}`);
    rig.hear(EAR, { kind: 'silence' });
    const [after] = await amplitudes(2, later(2, 5));
    assert.ok(after! < 300);
  });
});
