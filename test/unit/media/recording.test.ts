import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../src/common/log.js';
import { readWav } from '../../../src/media/prompt/wav.js';
import { RecordingFile } from '../../../src/media/recording/recording-file.js';
import {
  recordingName,
  recoverRecordings,
  trimRecordings,
} from '../../../src/media/recording/recording-folder.js';
import type { FromRecordingWriter } from '../../../src/media/recording/recording-messages.js';
import { RecordingWriter } from '../../../src/media/recording/recording-writer.js';
import { CallRecorder } from '../../../src/media/worker/call-recorder.js';
import { LINEAR_TO_ULAW } from '../../../src/rtp/g711.js';

const log = createLogger('test', 'silent');
const codes = (sample: number): Buffer => Buffer.alloc(160, LINEAR_TO_ULAW[sample & 0xffff]);

describe('recordings on disk', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'recordings-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const name = recordingName('call/1', Date.UTC(2026, 0, 2, 3, 4, 5));
  const audio = (frames: number, left: number, right: number): ArrayBuffer =>
    Int16Array.from({ length: frames * 2 }, (_, at) => (at % 2 ? right : left)).buffer;

  it('are stereo WAV files with their marks, named when they are whole', async () => {
    const said: FromRecordingWriter[] = [];
    const writer = new RecordingWriter((message) => said.push(message), log);
    writer.handle({ kind: 'open', id: 1, directory, name });
    writer.handle({ kind: 'audio', id: 1, samples: audio(400, 1000, -2000) });
    writer.handle({ kind: 'mark', id: 1, frame: 400, label: 'agent' });
    writer.handle({ kind: 'audio', id: 1, samples: audio(100, 5, 6) });
    writer.handle({ kind: 'close', id: 1 });
    await writer.close();
    assert.deepEqual(await readdir(directory), ['20260102T030405Z-call_1.wav']);
    assert.equal(said[0]?.kind, 'opened');
    const file = await readFile(join(directory, name));
    assert.equal(file.readUInt32LE(4), file.length - 8);
    assert.deepEqual([file.readUInt16LE(22), file.readUInt32LE(24), file.readUInt32LE(40)], [2, 8000, 2000]);
    assert.deepEqual([file.readInt16LE(44), file.readInt16LE(46)], [1000, -2000]);
    const cue = file.indexOf('cue ');
    assert.deepEqual([file.readUInt32LE(cue + 8), file.readUInt32LE(cue + 16)], [1, 400]);
    assert.ok(file.includes('agent\0'));
    assert.equal(readWav(file).samples.length, 500);
  });

  it('that a crash left are finished with their true length', async () => {
    const file = await RecordingFile.create(join(directory, name));
    await file.append(new Uint8Array(audio(1000, 7, 8)));
    assert.deepEqual(await readdir(directory), [`${name}.part`]);
    await writeFile(join(directory, 'other.wav.part'), 'of somebody else');
    assert.equal(await recoverRecordings(directory), 1);
    assert.deepEqual((await readdir(directory)).sort(), [name, 'other.wav.part']);
    assert.equal(readWav(await readFile(join(directory, name))).samples.length, 1000);
  });

  it('end alone, said once, where the disk refuses or is too slow', async () => {
    const said: FromRecordingWriter[] = [];
    const writer = new RecordingWriter((message) => said.push(message), log, 5000);
    writer.handle({ kind: 'open', id: 1, directory: join(directory, 'missing'), name });
    writer.handle({ kind: 'open', id: 2, directory, name });
    for (let i = 0; i < 3; i++) {
      writer.handle({ kind: 'audio', id: 1, samples: audio(100, 1, 1) });
      writer.handle({ kind: 'audio', id: 2, samples: audio(500, 1, 1) });
    }
    await writer.close();
    assert.deepEqual(
      said.map((message) => [message.id, message.kind === 'failed' ? message.code : message.kind]).sort(),
      [
        [1, 'ENOENT'],
        [2, 'opened'],
        [2, 'recording_failed'],
      ],
    );
    assert.ok(
      readWav(await readFile(join(directory, name))).samples.length > 0,
      'what there is can be played',
    );
  });

  it('never overwrite a file', async () => {
    await writeFile(join(directory, `${name}.part`), 'there already');
    const said: FromRecordingWriter[] = [];
    const writer = new RecordingWriter((message) => said.push(message), log);
    writer.handle({ kind: 'open', id: 1, directory, name });
    await writer.close();
    assert.equal(said[0]?.kind === 'failed' && said[0].code, 'EEXIST');
  });

  it('never take the name of a file that is whole', async () => {
    await writeFile(join(directory, name), 'whole');
    const said: FromRecordingWriter[] = [];
    const writer = new RecordingWriter((message) => said.push(message), log);
    writer.handle({ kind: 'open', id: 1, directory, name });
    await writer.close();
    assert.equal(said[0]?.kind === 'failed' && said[0].code, 'EEXIST');
    assert.deepEqual(await readdir(directory), [name]);
    assert.equal(await readFile(join(directory, name), 'utf8'), 'whole');
  });

  it('are deleted by age and by size, oldest first, and nothing else is', async () => {
    const nowMs = Date.UTC(2026, 5, 1);
    const names = [1, 2, 3, 4].map((hour) => recordingName('c', nowMs - hour * 3_600_000));
    for (const [at, each] of names.entries()) {
      await writeFile(join(directory, each), Buffer.alloc(1000));
      const atS = nowMs / 1000 - (at + 1) * 3600;
      await utimes(join(directory, each), atS, atS);
    }
    await writeFile(join(directory, 'notes.txt'), 'mine');
    await utimes(join(directory, 'notes.txt'), 0, 0);
    assert.deepEqual(await trimRecordings({ directory, keepMs: 3.5 * 3_600_000, maxBytes: null }, nowMs), [
      names[3],
    ]);
    assert.deepEqual(await trimRecordings({ directory, keepMs: null, maxBytes: 2000 }, nowMs), [names[2]]);
    assert.deepEqual((await readdir(directory)).sort(), [names[1]!, names[0]!, 'notes.txt'].sort());
  });
});

describe('timeline of a recording', () => {
  it('puts both sides where they belong, late packets too, and silence where nothing came', () => {
    const pieces: Int16Array[] = [];
    const recorder = new CallRecorder(1000, (samples) => pieces.push(new Int16Array(samples)));
    recorder.push('left', 5000, codes(4000), 0, 160, 'PCMU', 1000);
    recorder.push('right', 900_000, codes(-8000), 0, 160, 'PCMU', 1040);
    recorder.push('left', 5320, codes(1000), 0, 160, 'PCMU', 1045);
    recorder.push('left', 5160, codes(2000), 0, 160, 'PCMU', 1046);
    recorder.end(1080);
    const all = pieces[0]!;
    assert.equal(all.length, 80 * 8 * 2);
    const at = (frame: number): [number, number] => [
      Math.round(all[frame * 2]! / 100) * 100,
      Math.round(all[frame * 2 + 1]! / 100) * 100,
    ];
    assert.deepEqual(
      [at(0), at(160), at(320), at(500)].map(([left]) => Math.abs(left - 4000) < 200),
      [true, false, false, false],
    );
    assert.ok(Math.abs(at(170)[0] - 2000) < 150 && Math.abs(at(330)[0] - 1000) < 150);
    assert.ok(Math.abs(at(330)[1] + 8000) < 400 && at(10)[1] === 0 && at(600)[0] === 0);
  });

  it('follows a sender that begins a new timeline, and hands on in pieces without losing time', () => {
    let frames = 0;
    const recorder = new CallRecorder(0, (samples) => (frames += samples.byteLength / 4));
    for (let at = 0; at < 500; at++) {
      const timestamp = at < 250 ? at * 160 : 3_000_000_000 + at * 160;
      recorder.push('left', timestamp, codes(3000), 0, 160, 'PCMU', at * 20);
      recorder.flush(at * 20);
    }
    recorder.end(10_000);
    assert.equal(frames, 80_000);
  });
});
