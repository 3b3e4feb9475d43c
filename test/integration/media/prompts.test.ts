import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ULAW_TO_LINEAR } from '../../../src/rtp/g711.js';
import { toneShare } from '../../../src/rtp/goertzel.js';
import { MediaRig } from './media-rig.js';
import { eventPayload, type Heard } from './phone.js';

/** A 16-bit PCM WAV file with one tone on each channel. */
function wav(frequencyHz: number, seconds: number, rate: number, channels: number): Buffer {
  const frames = Math.round(seconds * rate);
  const data = Buffer.alloc(frames * channels * 2);
  for (let i = 0; i < frames * channels; i++) {
    const time = Math.floor(i / channels) / rate;
    data.writeInt16LE(Math.round(9000 * Math.sin(2 * Math.PI * frequencyHz * time)), i * 2);
  }
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * channels * 2, 28);
  head.writeUInt16LE(channels * 2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

function samplesOf(packets: readonly Heard[]): Int16Array {
  return Int16Array.from(
    Buffer.concat(packets.map((packet) => packet.payload)),
    (code) => ULAW_TO_LINEAR[code]!,
  );
}

const audible = (packet: Heard): boolean => packet.payload.some((code) => code !== 0xff && code !== 0x7f);

describe('media prompts', () => {
  let rig: MediaRig;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prompts-'));
    await writeFile(join(folder, 'tone.wav'), wav(700, 0.4, 44_100, 2));
    await writeFile(join(folder, 'broken.wav'), 'RIFF but nothing more');
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    rig = await MediaRig.start();
  });
  afterEach(() => rig.close());

  it('plays a stereo 44.1 kHz file once, says so, and goes on with silence', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a);
    const played = rig.next((event) => event.kind === 'played');
    rig.hear('call.1', { kind: 'file', file: join(folder, 'tone.wav'), promptId: 'p1' });
    assert.deepEqual(await played, { kind: 'played', legId: 'call.1', promptId: 'p1' });
    await a.hearsOne((packet) => !audible(packet));
    const tone = a.heard.filter(audible);
    assert.ok(tone.length >= 20 && tone.length <= 21, `${tone.length} packets`);
    assert.ok(toneShare(samplesOf(tone.slice(1, 19)), 700) > 0.97);
  });

  it('loops a file as music', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a);
    rig.hear('call.1', { kind: 'music', file: join(folder, 'tone.wav') });
    const first = await a.hearsOne(audible, 0);
    const from = a.heard.indexOf(first);
    await a.hears(from + 45);
    assert.ok(a.heard.slice(from, from + 45).every(audible));
  });

  it('falls back to the built-in music, and to `played`, where a file cannot be used', async () => {
    const [a, b] = [await rig.phone(), await rig.phone()];
    await rig.leg('call.1', a);
    await rig.leg('call.2', b);
    const played = rig.next((event) => event.kind === 'played');
    rig.hear('call.1', { kind: 'music', file: join(folder, 'missing.wav') });
    rig.hear('call.2', { kind: 'file', file: join(folder, 'broken.wav'), promptId: 'p2' });
    await a.hearsOne(audible, 0);
    assert.equal((await played).legId, 'call.2');
  });

  it('paces prompts at 20 ms', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a);
    rig.hear('call.1', { kind: 'music', file: null });
    await a.hears(51);
    const elapsed = a.heard[50]!.atMs - a.heard[0]!.atMs;
    assert.ok(elapsed > 900 && elapsed < 1200, `50 packets in ${elapsed} ms`);
  });

  it('measures the longest silence that a party was sent', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a);
    rig.hear('call.1', { kind: 'ringback' });
    await a.hears(3);
    rig.do({ kind: 'startGap', legId: 'call.1' });
    await a.hears(13);
    assert.ok((await rig.gap('call.1')) < 100, 'no gap while ringback is sent');
    rig.do({ kind: 'startGap', legId: 'call.1' });
    rig.hear('call.1', { kind: 'silence' });
    const from = a.heard.length;
    await a.hears(from + 15);
    rig.hear('call.1', { kind: 'music', file: null });
    await a.hears(from + 20);
    const gapMs = await rig.gap('call.1');
    assert.ok(gapMs > 220 && gapMs < 450, `${gapMs} ms`);
  });

  it('keeps the music going until the person that is joined sends audio', async () => {
    const [a, b] = [await rig.phone(), await rig.phone()];
    await rig.leg('call.1', a);
    const toB = await rig.leg('call.2', b);
    rig.hear('call.1', { kind: 'music', file: null });
    await a.hears(3);
    rig.do({ kind: 'startGap', legId: 'call.1' });
    rig.hear('call.1', { kind: 'leg', legId: 'call.2' });
    await a.hears(13);
    const voice = Buffer.alloc(160, 0x33);
    b.say(toB, voice);
    await a.hearsOne((packet) => packet.payload.equals(voice), 0);
    // Ten packet times passed; a busy machine may cost some.
    assert.ok((await rig.gap('call.1')) < 120);
  });

  it('does not count the time in which the party holds us', async () => {
    const a = await rig.phone();
    await rig.leg('call.1', a);
    rig.hear('call.1', { kind: 'music', file: null });
    await a.hears(3);
    rig.do({ kind: 'startGap', legId: 'call.1' });
    await rig.leg('call.1', a, { extra: ['a=inactive'] });
    const held = a.heard.length;
    const b = await rig.phone();
    await rig.leg('call.2', b);
    rig.hear('call.2', { kind: 'silence' });
    await b.hears(15);
    assert.ok(a.heard.length <= held + 2);
    await rig.leg('call.1', a);
    await a.hears(held + 5);
    // Ten packet times passed; a busy machine may cost some.
    assert.ok((await rig.gap('call.1')) < 120);
  });

  it('reports a silent party once until RTP flows again', async () => {
    const a = await rig.phone();
    const to = await rig.leg('call.1', a);
    const timeouts = (): number => rig.events.filter((event) => event.kind === 'mediaTimeout').length;
    let next = rig.next((event) => event.kind === 'mediaTimeout');
    rig.do({ kind: 'watch', legId: 'call.1', timeoutMs: 150 });
    const event = await next;
    assert.ok(event.kind === 'mediaTimeout' && event.silentMs >= 150 && event.silentMs < 600);
    rig.hear('call.1', { kind: 'silence' });
    await a.hears(20);
    assert.equal(timeouts(), 1);
    next = rig.next((other) => other.kind === 'mediaTimeout');
    const digit = rig.next((other) => other.kind === 'dtmf');
    a.say(to, eventPayload(1, true, 800), 101);
    await digit;
    await next;
    assert.equal(timeouts(), 2);
  });
});
