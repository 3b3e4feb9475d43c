import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MediaEvent } from '../../../src/call/media-port.js';
import { createLogger } from '../../../src/common/log.js';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import { RecordingThread } from '../../../src/media/recording/recording-thread-host.js';
import { encodeG711 } from '../../../src/rtp/g711.js';
import { toneShare } from '../../../src/rtp/goertzel.js';
import { toneSamples } from '../../../src/rtp/tone.js';
import { MediaRig } from './media-rig.js';
import type { Phone } from './phone.js';

const LOW = encodeG711(toneSamples(500, 160, 8000), 'PCMU');
const HIGH = encodeG711(toneSamples(1500, 160, 8000), 'PCMU');
const PACKET_FRAMES = 160;

type Recording = Extract<MediaEvent, { kind: 'recording' }>;

describe('recording of a call: what does it is lost', function () {
  this.timeout(30_000);
  let directory: string;
  let thread: RecordingThread;
  let rig: MediaRig;
  let a: Phone;
  let b: Phone;
  let ports: [number, number];
  let talking: NodeJS.Timeout;
  let spare: MediaWorkers | null = null;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'recordings-'));
    const retention = [{ directory, keepMs: null, maxBytes: null }];
    thread = await RecordingThread.start({ retention, logLevel: 'silent' }, createLogger('test', 'silent'));
    rig = await MediaRig.start({ first: 32_000, last: 32_099 }, 1, () => thread.connect());
    [a, b] = [await rig.phone(), await rig.phone()];
    ports = [await rig.leg('call.1', a), await rig.leg('call.2', b)];
    rig.bridge('call.1', 'call.2');
    talking = setInterval(() => {
      a.say(ports[0], LOW);
      b.say(ports[1], HIGH);
    }, 20);
  });
  afterEach(async () => {
    clearInterval(talking);
    await rig.close();
    await spare?.close();
    spare = null;
    await thread.close();
    await rm(directory, { recursive: true });
  });

  async function news(): Promise<Recording> {
    return (await rig.next((event) => event.kind === 'recording')) as Recording;
  }

  async function record(legId: string): Promise<Recording> {
    const said = news();
    rig.do({ kind: 'record', legId, directory, consentFile: null });
    return said;
  }

  /** Resolves once `b` has heard so many packets more: as much is recorded. */
  const talked = (packets: number): Promise<void> => b.hears(b.heard.length + packets);

  /** The file is a whole WAV of at least so many packets, with the caller left, the other right, and the label. */
  async function holds(path: string, packets: number, label: string | null): Promise<void> {
    const file = await readFile(path);
    assert.equal(file.readUInt32LE(4), file.length - 8, 'the length of the whole');
    const frames = file.readUInt32LE(40) / 4;
    // What plays on the right is timed by its arrival: its end may lie some samples off.
    assert.ok(frames >= (packets - 2) * PACKET_FRAMES, `${frames} frames for ${packets} packets`);
    const side = (from: number, offset: number): Int16Array =>
      Int16Array.from({ length: 800 }, (_, at) => file.readInt16LE(44 + (from + at) * 4 + offset));
    const shares = (offset: number, frequencyHz: number): number =>
      Math.max(
        ...Array.from({ length: Math.floor(frames / 800) }, (_, at) =>
          toneShare(side(at * 800, offset), frequencyHz),
        ),
      );
    assert.ok(shares(0, 500) > 0.9 && shares(0, 1500) < 0.1, 'the caller is left');
    assert.ok(shares(2, 1500) > 0.9 && shares(2, 500) < 0.1, 'the other side is right');
    if (label !== null) assert.ok(file.includes(`${label}\0`), label);
  }

  it('the media worker: another one goes on in a second file, and both can be played', async () => {
    const first = await record('call.1');
    assert.ok(first.file);
    await talked(100);
    spare = await startMediaWorkers({
      count: 1,
      address: '127.0.0.1',
      portRange: { first: 32_100, last: 32_199 },
      logLevel: 'silent',
      recorder: () => thread.connect(),
    });
    rig.media.attachWorker(1, spare.connect()[0]!);
    const again = news();
    await rig.workers.kill!();
    const second = await again;
    assert.match(String(second.file), /-call-part2\.wav$/);
    ports = [await rig.leg('call.1', a), await rig.leg('call.2', b)];
    await talked(60);
    await rig.closeLeg('call.1');
    await thread.close();
    // What had been handed to the writer is there: all but the last half second and what may still come late.
    await holds(first.file, 50, null);
    await holds(second.file!, 60, 'caller');
    assert.equal((await readdir(directory)).length, 2);
  });

  it('the writing thread: the call tells of it, goes on in another file, and later calls are recorded', async () => {
    thread.onReplaced(() => {
      rig.workers.record(() => thread.connect());
    });
    const first = await record('call.1');
    assert.ok(first.file);
    await talked(100);
    const gone = news();
    await thread.kill();
    const lost = await gone;
    assert.deepEqual([lost.file, lost.code], [null, 'recording_thread_gone']);
    const second = await news();
    assert.match(String(second.file), /-call-part2\.wav$/);
    const other = await record('call.2');
    assert.ok(other.file);
    await talked(60);
    await rig.closeLeg('call.1');
    await rig.closeLeg('call.2');
    await thread.close();
    await holds(first.file, 50, null);
    await holds(second.file!, 60, 'caller');
    assert.ok((await readFile(other.file)).length > 44);
    assert.deepEqual(
      (await rig.workers.stats()).map(({ recordings, recordingsFailed }) => [recordings, recordingsFailed]),
      [[3, 1]],
    );
    assert.equal((await readdir(directory)).length, 3, 'no file is left unfinished');
  });

  it('both at once: the worker that takes the call over records once there is a writer', async () => {
    const first = await record('call.1');
    assert.ok(first.file);
    await talked(60);
    await thread.kill();
    spare = await startMediaWorkers({
      count: 1,
      address: '127.0.0.1',
      portRange: { first: 32_100, last: 32_199 },
      logLevel: 'silent',
      recorder: () => thread.connect(),
    });
    thread.onReplaced(() => {
      spare!.record(() => thread.connect());
    });
    const begun = rig.next(
      (event) => event.kind === 'recording' && event.file !== null,
    ) as Promise<Recording>;
    rig.media.attachWorker(1, spare.connect()[0]!);
    await rig.workers.kill!();
    const { file } = await begun;
    assert.match(String(file), /-part\d+\.wav$/);
    ports = [await rig.leg('call.1', a), await rig.leg('call.2', b)];
    await talked(40);
    await rig.closeLeg('call.1');
    await thread.close();
    await holds(file!, 40, 'caller');
  });
});
