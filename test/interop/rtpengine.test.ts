import assert from 'node:assert/strict';
import { runDemo, type DemoReport } from '../../src/demo/run-demo.js';
import { startNode } from '../../src/main.js';
import { startRtpengine, type Rtpengine } from '../support/rtpengine.js';
import type { CallView } from '../../src/observe/call-view.js';
import { freeMediaPort, freePort } from '../support/free-ports.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import { sippAvailable, startSipp, succeeded, type Sipp } from '../support/sipp.js';
import { available } from '../support/softphone.js';
import { Talker } from '../integration/media/talker.js';

interface Row {
  readonly title: string;
  readonly caller: string;
  readonly number: string;
  readonly bot: string;
  readonly agent?: string;
  readonly outcome: string | null;
}

const ROWS: readonly Row[] = [
  {
    title: 'a pressed key is seen by rtpengine and starts a bridged hand-over',
    caller: 'caller-presses-zero-agent-ends',
    number: NUMBERS.bridged,
    bot: 'bot-answers',
    agent: 'agent-answers-hangs-up',
    outcome: 'completed',
  },
  {
    title: 'attended: the agent takes the call with a key',
    caller: 'caller-presses-zero-agent-ends',
    number: NUMBERS.attended,
    bot: 'bot-answers',
    agent: 'agent-accepts-with-digit',
    outcome: 'completed',
  },
  {
    title: 'hold and resume',
    caller: 'caller-hold-resume',
    number: NUMBERS.basic,
    bot: 'bot-held-resumed',
    outcome: null,
  },
  {
    title: 'a late offer',
    caller: 'caller-late-offer-answered',
    number: NUMBERS.basic,
    bot: 'bot-answers',
    outcome: null,
  },
  {
    title: 'REFER, and the media of the call is freed',
    caller: 'caller-refer-accepted',
    number: NUMBERS.refer,
    bot: 'bot-answers',
    outcome: 'completed',
  },
];

describe('Interop: rtpengine does the media', function () {
  this.timeout(120_000);
  let rtpengine: Rtpengine;

  before(async function () {
    if (!available('rtpengine')) {
      process.stdout.write('  rtpengine is not installed: these tests are skipped\n');
      this.skip();
    }
    rtpengine = await startRtpengine();
  });

  after(async () => {
    await rtpengine.close();
  });

  it('hands over in every way of the demonstration, audio verified in both directions', async () => {
    let out = '';
    await runDemo({
      json: true,
      out: (text) => {
        out += text;
      },
      startNode: (config) =>
        startNode({ ...config, media: { ...config.media, kind: 'rtpengine', nodes: [rtpengine.node] } }),
    });
    const report = JSON.parse(out) as DemoReport;
    const problems = report.scenarios.filter(({ passed }) => !passed);
    assert.deepEqual(problems, []);
    assert.deepEqual(await rtpengine.calls(), []);
    // What was left out is not known: a figure here would be another engine's.
    assert.deepEqual(new Set(report.scenarios.map(({ gapMs }) => gapMs)), new Set([null]));
  });

  describe('with a node of its own', () => {
    let node: NodeUnderTest;
    let spare: Rtpengine;
    const started: { close(): Promise<void> }[] = [];
    const running: Sipp[] = [];

    before(async function () {
      if (!sippAvailable()) {
        process.stdout.write('  SIPp is not installed: these tests are skipped\n');
        this.skip();
      }
      spare = await startRtpengine();
      started.push(spare);
      const entries = [rtpengine.node, spare.node].map(
        ({ address, port, dtmf }) => `{ ng: "${address}:${port}", dtmf: "127.0.0.1:${dtmf!.port}" }`,
      );
      node = await startNodeUnderTest({
        media: `media: { kind: rtpengine, nodes: [${entries.join(', ')}] }`,
      });
      started.push(node);
    });

    afterEach(async () => {
      await Promise.all(running.splice(0).map((sipp) => sipp.close()));
    });

    after(async () => {
      for (const one of started.reverse()) await one.close();
    });

    async function run(row: Row): Promise<CallView> {
      const bot = await startSipp({ scenario: row.bot, port: node.botPort });
      running.push(bot);
      const agent =
        row.agent === undefined ? null : await startSipp({ scenario: row.agent, port: node.agentPort });
      if (agent) running.push(agent);
      const caller = await startSipp({
        scenario: row.caller,
        port: await freePort(),
        target: node.target,
        service: row.number,
        args: ['-mp', String(await freeMediaPort())],
      });
      running.push(caller);
      await succeeded(caller, row.caller);
      await succeeded(bot, row.bot);
      if (agent) await succeeded(agent, row.agent!);
      return node.newestCall((candidate) => candidate.endedAt !== null);
    }

    for (const row of ROWS) {
      it(row.title, async () => {
        const call = await run(row);
        assert.equal(call.transfers[0]?.result?.outcome ?? null, row.outcome);
      });
    }

    it('an rtpengine that dies costs its own calls at most: the other takes all, until it is back', async () => {
      const health = async (): Promise<Record<string, string>> =>
        ((await (await node.api('/healthz')).json()) as { parts: Record<string, string> }).parts;
      const until = async (part: string, state: string): Promise<void> => {
        while ((await health())[part] !== state) await new Promise((resolve) => setTimeout(resolve, 50));
      };
      await rtpengine.kill();
      await until('media-0', 'restarting');
      assert.equal((await health())['media-1'], 'up');
      const call = await run(ROWS[0]!);
      assert.equal(call.transfers[0]?.result?.outcome, 'completed');
      await rtpengine.restart();
      await until('media-0', 'up');
    });

    it('an rtpengine that dies with a call up: the call goes on at the other one, audio both ways', async () => {
      let ref = '';
      const talkers: Talker[] = [];
      const bot = await Talker.open(node.botPort, node.sipPort, 0x22);
      const caller = await Talker.open(0, node.sipPort, 0x11, undefined, () => ref);
      talkers.push(bot, caller);
      try {
        ref = 'dies@soak';
        assert.equal(await caller.peer.call(NUMBERS.basic, 'dies'), 200);
        await caller.hears(0x22);
        await bot.hears(0x11);
        const holder = (await rtpengine.calls()).length > 0 ? rtpengine : spare;
        await holder.kill();
        await caller.invited(1);
        await bot.invited(2);
        const movedAt = performance.now();
        await caller.hears(0x22, movedAt);
        await bot.hears(0x11, movedAt);
        const view = await node.newestCall(
          ({ notes }) => notes.filter(({ name }) => name === 'media_moved').length === 2,
        );
        assert.equal(view.endedAt, null);
        caller.peer.request(ref, 'BYE');
        await node.newestCall(({ endedAt }) => endedAt !== null);
        await holder.restart();
      } finally {
        for (const talker of talkers) talker.close();
      }
    });

    it('nothing of these calls is left at either rtpengine', async () => {
      for (const one of [rtpengine, spare]) {
        while ((await one.calls()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
  });
});
