import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../src/common/log.js';
import { RecordingThread } from '../../../src/media/recording/recording-thread-host.js';
import { wavHeader } from '../../../src/media/recording/wav-format.js';
import { encodeG711 } from '../../../src/rtp/g711.js';
import { toneShare } from '../../../src/rtp/goertzel.js';
import { toneSamples } from '../../../src/rtp/tone.js';
import { MediaRig } from './media-rig.js';
import type { Phone } from './phone.js';

const LOW = encodeG711(toneSamples(500, 160, 8000), 'PCMU');
const HIGH = encodeG711(toneSamples(1500, 160, 8000), 'PCMU');

describe('recording of a call', () => {
  let directory: string;
  let thread: RecordingThread;
  let rig: MediaRig;
  let a: Phone;
  let b: Phone;
  let ports: [number, number];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'recordings-'));
    const retention = [{ directory, keepMs: null, maxBytes: null }];
    thread = await RecordingThread.start({ retention, logLevel: 'silent' }, createLogger('test', 'silent'));
    rig = await MediaRig.start({ first: 30_500, last: 30_599 }, 1, () => thread.connect());
    [a, b] = [await rig.phone(), await rig.phone()];
    ports = [await rig.leg('call.1', a), await rig.leg('call.2', b)];
    rig.bridge('call.1', 'call.2');
  });
  afterEach(async () => {
    await rig.close();
    await thread.close();
    await rm(directory, { recursive: true });
  });

  /** Both talk until `b` has heard so many packets more. */
  async function talk(packets: number): Promise<void> {
    const timer = setInterval(() => {
      a.say(ports[0], LOW);
      b.say(ports[1], HIGH);
    }, 20);
    await b.hears(b.heard.length + packets);
    clearInterval(timer);
  }

  it('has the caller on the left, what it hears on the right, and the hand-over marked', async () => {
    const started = rig.next((event) => event.kind === 'recording');
    rig.do({ kind: 'record', legId: 'call.1', directory, consentFile: null });
    const news = await started;
    assert.ok(news.kind === 'recording' && news.file !== null && news.code === null);
    await talk(60);
    const agent = await rig.phone();
    await rig.leg('call.3', agent);
    rig.bridge('call.1', 'call.3');
    await rig.closeLeg('call.1');
    await thread.close();
    const file = await readFile(news.file);
    const frames = file.readUInt32LE(40) / 4;
    // A busy machine leaves gaps between the packets of the test: the tone is sought where it is whole.
    const share = (offset: number, hz: number): number => {
      const windows = Math.floor(frames / 400) - 3;
      return Math.max(
        ...Array.from({ length: windows }, (_, window) =>
          toneShare(
            Int16Array.from({ length: 1600 }, (_, at) =>
              file.readInt16LE(44 + (window * 400 + at) * 4 + offset),
            ),
            hz,
          ),
        ),
      );
    };
    assert.ok(share(0, 500) > 0.7, 'caller');
    assert.ok(share(2, 1500) > 0.7, 'other side');
    assert.ok(share(0, 1500) < 0.3 && share(2, 500) < 0.3, 'neither on the other channel');
    assert.ok(file.includes('cue '));
  });

  it('waits for the end of the consent prompt', async () => {
    const consent = join(directory, 'consent.wav');
    const stereo = Buffer.alloc(4 * 2400, 0x20);
    await writeFile(consent, Buffer.concat([wavHeader(stereo.length), stereo]));
    const started = rig.next((event) => event.kind === 'recording');
    rig.do({ kind: 'record', legId: 'call.1', directory, consentFile: consent });
    await a.hears(10);
    assert.ok(!rig.events.some((event) => event.kind === 'recording'));
    await started;
    assert.ok(a.heard.length >= 15);
  });

  it('fails by itself where it cannot be written, and the call goes on', async () => {
    const failed = rig.next((event) => event.kind === 'recording');
    rig.do({ kind: 'record', legId: 'call.1', directory: join(directory, 'missing'), consentFile: null });
    assert.deepEqual(await failed, { kind: 'recording', legId: 'call.1', file: null, code: 'ENOENT' });
    await talk(5);
    assert.deepEqual(
      (await rig.workers.stats()).map((stats) => stats.recordingsFailed),
      [1],
    );
    assert.deepEqual(await readdir(directory), []);
  });

  it('goes on without a recording where the writing thread has ended', async () => {
    await thread.close();
    const failed = rig.next((event) => event.kind === 'recording');
    rig.do({ kind: 'record', legId: 'call.1', directory, consentFile: null });
    const news = await failed;
    assert.equal(news.kind === 'recording' && news.code, 'recording_thread_gone');
    await talk(5);
  });
});
