import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { loadConfig } from '../../../src/config/load-config.js';
import { Agent } from '../../../src/demo/agent.js';
import { Caller } from '../../../src/demo/caller.js';
import type { DemoCall } from '../../../src/demo/demo-call.js';
import { Voicebot } from '../../../src/demo/voicebot.js';
import { startNode } from '../../../src/main.js';
import { startRecording } from '../../../src/main/start-recording.js';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import type { RecordingThread } from '../../../src/media/recording/recording-thread-host.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { toneShare } from '../../../src/rtp/goertzel.js';
import { demoPartiesConfig } from '../../support/demo-parties-config.js';

const [CALLER_HZ, BOT_HZ, AGENT_HZ] = [500, 900, 1300] as const;
const WITHIN = { withinMs: 15_000 };
const WINDOW = 800;

/** A recording, read by hand. */
interface Recorded {
  readonly frames: number;
  /** In frames, with their labels, in order. */
  readonly marks: readonly { readonly at: number; readonly label: string }[];
  /** The frames at which windows of 100 ms begin that hold this tone, of one side. */
  windows(side: 'left' | 'right', hz: number): number[];
}

async function read(path: string): Promise<Recorded> {
  const file = await readFile(path);
  assert.equal(file.readUInt32LE(4), file.length - 8, `${basename(path)} is whole`);
  assert.deepEqual([file.readUInt16LE(22), file.readUInt32LE(24), file.readUInt16LE(34)], [2, 8000, 16]);
  const frames = file.readUInt32LE(40) / 4;
  const marks: { at: number; label: string }[] = [];
  const cue = file.indexOf('cue ', 44 + frames * 4);
  for (let n = 0; cue > 0 && n < file.readUInt32LE(cue + 8); n++) {
    const id = file.readUInt32LE(cue + 12 + n * 24);
    let label = '';
    for (let at = file.indexOf('labl', cue); at > 0; at = file.indexOf('labl', at + 4)) {
      if (file.readUInt32LE(at + 8) !== id) continue;
      label = file.toString('latin1', at + 12, file.indexOf(0, at + 12));
    }
    marks.push({ at: file.readUInt32LE(cue + 12 + n * 24 + 20), label });
  }
  const windows = (side: 'left' | 'right', hz: number): number[] => {
    const found: number[] = [];
    for (let from = 0; from + WINDOW <= frames; from += WINDOW) {
      const samples = Int16Array.from({ length: WINDOW }, (_, at) =>
        file.readInt16LE(44 + (from + at) * 4 + (side === 'left' ? 0 : 2)),
      );
      if (samples.some((sample) => Math.abs(sample) > 300) && toneShare(samples, hz) > 0.8) found.push(from);
    }
    return found;
  };
  return { frames, marks, windows };
}

describe('recording of calls through a whole node', function () {
  this.timeout(90_000);
  let open: { close(): Promise<void> }[] = [];
  let folder: string;
  let apiPort: number;
  let sipPort: number;
  let writer: RecordingThread | null;
  let threads: MediaWorkers[];
  let person: Caller;
  let agent: Agent;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relevo-recorded-'));
    [writer, threads] = [null, []];
    const bot = await Voicebot.start({ toneHz: BOT_HZ });
    agent = await Agent.start({ toneHz: AGENT_HZ });
    open.push(bot, agent);
    const text = await demoPartiesConfig({
      botUri: bot.uri,
      agentUri: agent.uri,
      workers: 2,
      log: 'silent',
      projects: `
  recorded:
    match: [{ trunk: carrier, to: "1201" }]
    bot: bot
    recording: { directory: recordings }
    transfer: { to: desk-201, method: invite, waiting: music }
    rules: [{ name: pressed zero, dtmf: "0" }]
`,
    });
    const loaded = loadConfig({ text, path: join(folder, 'relevo.yaml') }, { env: {}, checkExpression });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const node = await startNode(loaded.config, {
      startRecording: async (...means) => (writer = await startRecording(...means)),
      startMediaWorkers: async (options) => {
        const workers = await startMediaWorkers(options);
        threads.push(workers);
        return workers;
      },
    });
    open.push(node);
    apiPort = node.apiAddress.port;
    sipPort = node.sipListeners.find(({ transport }) => transport === 'udp')!.port;
    person = await Caller.start({ toneHz: CALLER_HZ, preferred: 'udp' });
    open.push(person);
  });
  afterEach(async () => {
    for (const one of open.reverse()) await one.close();
    open = [];
    await rm(folder, { recursive: true });
  });

  async function call(): Promise<DemoCall> {
    const placed = await person.call(`sip:1201@127.0.0.1:${sipPort};transport=udp`);
    await placed.hearing.hears(BOT_HZ, WITHIN);
    return placed;
  }
  async function view(ready: (call: CallView) => boolean): Promise<CallView> {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${apiPort}/v1/calls`);
      const { calls } = (await answer.json()) as { calls: CallView[] };
      const found = calls.find(ready);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  const files = (call: CallView): string[] =>
    call.notes.flatMap(({ name, detail }) =>
      name === 'recording' && typeof detail['file'] === 'string' ? [detail['file']] : [],
    );
  /** The files of a call that has ended, once they are whole. */
  async function recorded(caller: DemoCall): Promise<Recorded[]> {
    const over = await view((one) => one.endedAt !== null && one.sipCallId === caller.sipCallId);
    const names = files(over);
    const waiting = async (): Promise<boolean> =>
      (await readdir(join(folder, 'recordings'))).some((name) => name.endsWith('.part'));
    while (await waiting()) await new Promise((resolve) => setTimeout(resolve, 25));
    return Promise.all(names.map(read));
  }

  it('has the caller left, on the right the bot, music and the agent, and a mark where each begins', async () => {
    const caller = await call();
    await caller.hearing.hears(BOT_HZ, WITHIN);
    await caller.press('0');
    for (let windows = 0; windows < 6; windows++) await caller.hearing.hears(AGENT_HZ, WITHIN);
    await caller.hangUp();
    const [file, ...more] = await recorded(caller);
    assert.ok(file && more.length === 0);
    const [bot, person201] = [file.windows('right', BOT_HZ), file.windows('right', AGENT_HZ)];
    assert.ok(file.windows('left', CALLER_HZ).length >= 4, 'the caller');
    assert.ok(bot.length >= 2 && person201.length >= 2, `${bot.length}, ${person201.length}`);
    assert.ok(bot.at(-1)! < person201[0]!);
    assert.deepEqual(file.windows('right', CALLER_HZ), [], 'nobody hears itself');
    assert.deepEqual([...file.windows('left', BOT_HZ), ...file.windows('left', AGENT_HZ)], []);
    assert.deepEqual(
      file.marks.map(({ label }) => label),
      ['bot', 'agent'],
    );
    const [toBot, toAgent] = file.marks;
    assert.ok(toBot!.at <= bot[0]! + WINDOW);
    assert.ok(toAgent!.at > bot.at(-1)! && toAgent!.at <= person201[0]! + WINDOW);
  });

  it('goes on in further files where the writer dies, and then a media worker; a later call has its own', async () => {
    const caller = await call();
    // A second of both sides has been handed to the writer, and written.
    const onDisk = async (one: CallView): Promise<void> => {
      const path = `${files(one).at(-1)!}.part`;
      while ((await stat(path)).size < 32_000) await new Promise((resolve) => setTimeout(resolve, 25));
    };
    const begun = (count: number): Promise<CallView> =>
      view((one) => one.sipCallId === caller.sipCallId && files(one).length === count);
    await onDisk(await begun(1));
    await writer!.kill();
    const noted = await begun(2);
    assert.ok(noted.notes.some(({ detail }) => detail['failed'] === 'recording_thread_gone'));
    await onDisk(noted);
    const legs = await Promise.all(threads.map(async (each) => (await each.stats())[0]?.legs ?? 0));
    await threads[legs.indexOf(2)]!.kill!();
    await onDisk(await begun(3));
    const second = await call();
    await second.hearing.hears(BOT_HZ, WITHIN);
    await Promise.all([caller.hangUp(), second.hangUp()]);
    const parts = await recorded(caller);
    assert.equal(parts.length, 3);
    for (const part of parts) {
      assert.ok(part.windows('left', CALLER_HZ).length > 0 && part.windows('right', BOT_HZ).length > 0);
      assert.equal(part.marks[0]?.label ?? 'bot', 'bot');
    }
    const [own, ...more] = await recorded(second);
    assert.ok(own && own.windows('right', BOT_HZ).length > 0 && more.length === 0);
    assert.deepEqual(
      (await readdir(join(folder, 'recordings'))).map((name) => /(?:-part\d)?\.wav$/.exec(name)?.[0]).sort(),
      ['-part2.wav', '-part3.wav', '.wav', '.wav'],
    );
  });
});
