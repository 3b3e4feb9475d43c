import assert from 'node:assert/strict';
import { ALAW_TO_ULAW, ULAW_TO_ALAW, ULAW_TO_LINEAR } from '../../../src/rtp/g711.js';
import { sequenceDistance, timestampDistance } from '../../../src/rtp/sequence.js';
import { toneShare } from '../../../src/rtp/goertzel.js';
import { MediaRig } from './media-rig.js';
import { eventPayload, type Heard, type Phone } from './phone.js';

/** 160 codes that no two packets share. */
function voice(seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: 160 }, (_, i) => (i * 7 + seed * 13) & 0xff));
}

/** Sends packets until the phone at the other end hears one more that satisfies `wanted`. */
async function untilHeard(
  from: Phone,
  to: number,
  at: Phone,
  wanted: (packet: Heard) => boolean,
): Promise<Heard> {
  const heard = at.hearsOne(wanted);
  const timer = setInterval(() => {
    from.say(to, voice(99));
  }, 20);
  try {
    return await heard;
  } finally {
    clearInterval(timer);
  }
}

describe('media relay', () => {
  let rig: MediaRig;
  beforeEach(async () => {
    rig = await MediaRig.start();
  });
  afterEach(() => rig.close());

  it('carries G.711 both ways byte by byte, in one stream per party', async () => {
    const [a, b] = [await rig.phone(), await rig.phone()];
    const [toA, toB] = [await rig.leg('call.1', a), await rig.leg('call.2', b)];
    rig.bridge('call.1', 'call.2');
    await untilHeard(a, toA, b, (packet) => packet.payload.equals(voice(99)));
    await untilHeard(b, toB, a, (packet) => packet.payload.equals(voice(99)));
    const [startA, startB] = [a.heard.length, b.heard.length];
    for (let i = 0; i < 20; i++) {
      a.say(toA, voice(i));
      b.say(toB, voice(100 + i));
      await Promise.all([a.hears(startA + i + 1), b.hears(startB + i + 1)]);
    }
    for (let i = 0; i < 20; i++) {
      assert.deepEqual(b.heard[startB + i]!.payload, voice(i));
      assert.deepEqual(a.heard[startA + i]!.payload, voice(100 + i));
    }
    assertContinuous(a.heard);
    assertContinuous(b.heard);
    const { stats } = await rig.closeLeg('call.1');
    assert.ok(stats && stats.packetsReceived >= 20 && stats.packetsLost === 0, JSON.stringify(stats));
    assert.equal(stats.packetsRejected, 0);
  });

  it('transcodes between A-law and µ-law and maps the payload type of telephone-event', async () => {
    const [a, b] = [await rig.phone(), await rig.phone()];
    const toA = await rig.leg('call.1', a, { formats: '0 101' });
    const toB = await rig.leg('call.2', b, { formats: '8 96' });
    rig.bridge('call.1', 'call.2');
    await untilHeard(a, toA, b, (packet) =>
      packet.payload.equals(voice(99).map((code) => ULAW_TO_ALAW[code]!)),
    );
    const heard = b.heard.length;
    a.say(toA, voice(1));
    a.say(toA, Buffer.from([5, 0x0a, 0, 160]), 101, { marker: true, step: 0 });
    a.say(toA, Buffer.from([5, 0x8a, 1, 64]), 101, { step: 320 });
    await b.hears(heard + 3);
    const [audio, begin, end] = b.heard.slice(heard);
    assert.equal(audio!.payloadType, 8);
    assert.deepEqual(
      audio!.payload,
      voice(1).map((code) => ULAW_TO_ALAW[code]!),
    );
    assert.deepEqual([begin!.payloadType, end!.payloadType], [96, 96]);
    assert.equal(begin!.marker, 1);
    assert.equal(begin!.timestamp, end!.timestamp);
    assert.equal(timestampDistance(begin!.timestamp, audio!.timestamp), 160);
    assert.deepEqual(end!.payload, Buffer.from([5, 0x8a, 1, 64]));
    const back = a.hearsOne((packet) => packet.payload.equals(voice(2).map((code) => ALAW_TO_ULAW[code]!)));
    b.say(toB, voice(2), 8);
    assert.equal((await back).payloadType, 0);
  });

  it('leaves telephone-events out where the other side takes none, without a hole in the sequence', async () => {
    const [a, b] = [await rig.phone(), await rig.phone()];
    const toA = await rig.leg('call.1', a, { formats: '0 101' });
    await rig.leg('call.2', b, { formats: '0' });
    rig.bridge('call.1', 'call.2');
    await untilHeard(a, toA, b, (packet) => packet.payload.equals(voice(99)));
    const heard = b.heard.length;
    a.say(toA, voice(1));
    a.say(toA, Buffer.from([5, 0x8a, 1, 64]), 101, { step: 320 });
    a.say(toA, voice(2));
    await b.hears(heard + 2);
    const [one, two] = b.heard.slice(heard);
    assert.deepEqual([one!.payload, two!.payload], [voice(1), voice(2)]);
    assert.equal(sequenceDistance(two!.sequenceNumber, one!.sequenceNumber), 1);
  });

  it('passes nothing on of a key that was pressed before the parties were joined', async () => {
    const [a, b] = [await rig.phone(), await rig.phone()];
    const toA = await rig.leg('call.1', a);
    await rig.leg('call.2', b);
    const pressed = rig.next((event) => event.kind === 'dtmf');
    const pressedAt = a.timestamp;
    const step = { step: 0 };
    a.say(toA, eventPayload(1, false, 400), 101, { ...step, marker: true });
    a.say(toA, eventPayload(1, true, 800), 101, step);
    await pressed;
    rig.bridge('call.1', 'call.2');
    await untilHeard(a, toA, b, ({ payload }) => payload.equals(voice(99)));
    // The end is repeated twice (RFC 4733 2.5.1.4): for who hears it now, it would be a press.
    const now = a.timestamp;
    a.timestamp = pressedAt;
    for (let time = 0; time < 2; time++) a.say(toA, eventPayload(1, true, 800), 101, step);
    a.timestamp = now;
    a.say(toA, Buffer.alloc(160, 0x22));
    a.say(toA, eventPayload(2, true, 800), 101, { ...step, marker: true });
    await b.hearsOne(({ payloadType, payload }) => payloadType === 101 && payload[0] === 2, 0);
    assert.deepEqual(
      b.heard.filter(({ payloadType, payload }) => payloadType === 101 && payload[0] === 1),
      [],
    );
    const numbers = b.heard.map(({ sequenceNumber }) => sequenceNumber);
    assert.deepEqual(
      numbers,
      numbers.map((_, at) => (numbers[0]! + at) & 0xffff),
    );
  });

  it('lets several legs hear the same leg', async () => {
    const [a, b, c] = [await rig.phone(), await rig.phone(), await rig.phone()];
    const toA = await rig.leg('call.1', a);
    await rig.leg('call.2', b, { formats: '8' });
    await rig.leg('call.3', c);
    rig.hear('call.2', { kind: 'leg', legId: 'call.1' });
    rig.hear('call.3', { kind: 'leg', legId: 'call.1' });
    const inB = b.hearsOne((packet) => packet.payload.equals(voice(99).map((code) => ULAW_TO_ALAW[code]!)));
    await untilHeard(a, toA, c, (packet) => packet.payload.equals(voice(99)));
    await inB;
  });

  it('keeps SSRC, sequence and timestamp going from a leg to music to another leg', async () => {
    const [caller, bot, agent] = [await rig.phone(), await rig.phone(), await rig.phone()];
    await rig.leg('call.1', caller);
    const toBot = await rig.leg('call.2', bot);
    const toAgent = await rig.leg('call.3', agent);
    rig.hear('call.1', { kind: 'leg', legId: 'call.2' });
    const fromBot = voice(99);
    await untilHeard(bot, toBot, caller, (packet) => packet.payload.equals(fromBot));
    const switched = caller.heard.length;
    rig.hear('call.1', { kind: 'music', file: null });
    await caller.hears(switched + 25);
    rig.hear('call.1', { kind: 'leg', legId: 'call.3' });
    const human = await untilHeard(agent, toAgent, caller, (packet) => packet.payload.equals(voice(99)));
    assertContinuous(caller.heard);
    const music = caller.heard.slice(switched + 1, switched + 25);
    assert.equal(caller.heard.filter((packet) => packet.marker === 1).length >= 3, true);
    assert.equal(human.marker, 1);
    const samples = Int16Array.from(
      Buffer.concat(music.map((packet) => packet.payload)),
      (c) => ULAW_TO_LINEAR[c]!,
    );
    assert.ok(
      samples.some((sample) => Math.abs(sample) > 1000),
      'music can be heard',
    );
    assert.ok(toneShare(samples, 425) < 0.5);
  });

  it('sends silence to a party that hears silence, and 425 Hz to one that hears ringback', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a, { formats: '8' });
    rig.hear('call.1', { kind: 'silence' });
    await a.hears(3);
    assert.ok(a.heard.every((packet) => packet.payload.every((code) => code === 0xd5)));
    rig.hear('call.1', { kind: 'ringback' });
    await a.hearsOne((packet) => packet.payload.some((code) => code !== 0xd5));
    const from = a.heard.length;
    await a.hears(from + 10);
    const linear = Buffer.concat(a.heard.slice(from, from + 10).map((packet) => packet.payload)).map(
      (code) => ALAW_TO_ULAW[code]!,
    );
    assert.ok(
      toneShare(
        Int16Array.from(linear, (code) => ULAW_TO_LINEAR[code]!),
        425,
      ) > 0.95,
    );
  });

  it('sends nothing to a party that holds us, and goes on when it resumes', async () => {
    const [a, b] = [await rig.phone(), await rig.phone()];
    await rig.leg('call.1', a);
    const toB = await rig.leg('call.2', b);
    rig.bridge('call.1', 'call.2');
    await untilHeard(b, toB, a, (packet) => packet.payload.equals(voice(99)));
    await rig.leg('call.1', a, { extra: ['a=sendonly'] });
    // A round trip to the worker: what was sent before it has been sent by now.
    await rig.gap('call.1');
    const held = a.heard.length;
    for (let i = 0; i < 10; i++) b.say(toB, voice(i));
    await rig.gap('call.1');
    assert.equal(a.heard.length, held);
    await rig.leg('call.1', a);
    await untilHeard(b, toB, a, (packet) => packet.payload.equals(voice(99)));
    assertContinuous(a.heard);
  });
});

/** One SSRC, every sequence number once and in order, timestamps that only rise. */
function assertContinuous(packets: readonly Heard[]): void {
  assert.equal(new Set(packets.map((packet) => packet.ssrc)).size, 1);
  for (let i = 1; i < packets.length; i++) {
    const [before, after] = [packets[i - 1]!, packets[i]!];
    assert.equal(sequenceDistance(after.sequenceNumber, before.sequenceNumber), 1, `sequence at ${i}`);
    const step = timestampDistance(after.timestamp, before.timestamp);
    assert.ok(step > 0, `timestamp at ${i} moved by ${step}`);
    const elapsed = (after.atMs - before.atMs) * 8;
    assert.ok(step <= elapsed + 8 * 400, `timestamp at ${i} ran ahead: ${step} in ${elapsed}`);
  }
}
