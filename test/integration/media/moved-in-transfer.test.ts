import assert from 'node:assert/strict';
import { loadConfig } from '../../../src/config/load-config.js';
import { Agent } from '../../../src/demo/agent.js';
import type { Hearing } from '../../../src/demo/audio/hearing.js';
import { Caller } from '../../../src/demo/caller.js';
import type { DemoCall } from '../../../src/demo/demo-call.js';
import { Voicebot } from '../../../src/demo/voicebot.js';
import { startNode } from '../../../src/main.js';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { demoPartiesConfig } from '../../support/demo-parties-config.js';

const [CALLER_HZ, BOT_HZ, AGENT_HZ] = [500, 900, 1300] as const;
const WITHIN = { withinMs: 15_000 };

interface Parties {
  readonly caller: DemoCall;
  readonly bot: DemoCall;
  readonly agent: DemoCall;
}

describe('a media worker dies in the middle of an attended transfer', function () {
  this.timeout(90_000);
  const open: { close(): Promise<void> }[] = [];
  let threads: MediaWorkers[] = [];
  let apiPort: number;

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    threads = [];
  });

  /** A call in which the caller has pressed 0 and the agent has answered, and takes the call by 1. */
  async function call(): Promise<Parties> {
    const bot = await Voicebot.start({ toneHz: BOT_HZ });
    const agent = await Agent.start({ toneHz: AGENT_HZ });
    open.push(bot, agent);
    const text = await demoPartiesConfig({
      botUri: bot.uri,
      agentUri: agent.uri,
      workers: 2,
      log: 'silent',
      projects: `
  three:
    match: [{ trunk: carrier, to: "1201" }]
    bot: bot
    transfer: { to: desk-201, mode: attended, method: invite, waiting: music, accept: { digit: "1", timeout: 60s }, three_way: { duration: 5m, digit: "#" } }
    rules: [{ name: pressed zero, dtmf: "0" }]
`,
    });
    const loaded = loadConfig({ text, path: 'moved.yaml' }, { env: {}, checkExpression });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const node = await startNode(loaded.config, {
      startMediaWorkers: async (options) => {
        const workers = await startMediaWorkers(options);
        threads.push(workers);
        return workers;
      },
    });
    open.push(node);
    apiPort = node.apiAddress.port;
    const person = await Caller.start({ toneHz: CALLER_HZ, preferred: 'udp' });
    open.push(person);
    const [atBot, atAgent] = [bot.userAgent.nextCall(10_000), agent.userAgent.nextCall(20_000)];
    const { port } = node.sipListeners.find(({ transport }) => transport === 'udp')!;
    const caller = await person.call(`sip:1201@127.0.0.1:${port};transport=udp`);
    await caller.hearing.hears(BOT_HZ, WITHIN);
    await caller.press('0');
    const [botCall, agentCall] = [await atBot, await atAgent];
    await agentCall.answered;
    return { caller, bot: botCall, agent: agentCall };
  }

  /** Kills the worker that has the legs of the call; resolves once every party was told of its new ports. */
  async function killTheirWorker({ caller, bot, agent }: Parties): Promise<void> {
    const told = Promise.all(
      [caller, bot, agent].map(
        (one) => new Promise<void>((resolve) => one.once('reinvite', () => resolve())),
      ),
    );
    const legs = await Promise.all(threads.map(async (workers) => (await workers.stats())[0]?.legs ?? 0));
    assert.equal(Math.max(...legs), 3);
    await threads[legs.indexOf(3)]!.kill!();
    await told;
  }

  async function view(ready: (call: CallView) => boolean): Promise<CallView> {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${apiPort}/v1/calls`);
      const { calls } = (await answer.json()) as { calls: CallView[] };
      if (calls[0] && ready(calls[0])) return calls[0];
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  const movedLegs = (one: CallView): number => one.notes.filter(({ name }) => name === 'media_moved').length;

  /** Resolves once both tones were in one window. */
  async function hearsBoth(hearing: Hearing, a: number, b: number): Promise<void> {
    for (;;) {
      const { tones } = await hearing.hears(a, WITHIN);
      if (tones.some((one) => Math.abs(one - b) <= 10)) return;
    }
  }
  const allHearEachOther = ({ caller, bot, agent }: Parties): Promise<unknown> =>
    Promise.all([
      hearsBoth(caller.hearing, BOT_HZ, AGENT_HZ),
      hearsBoth(bot.hearing, CALLER_HZ, AGENT_HZ),
      hearsBoth(agent.hearing, CALLER_HZ, BOT_HZ),
    ]);

  it('in the consultation: the caller keeps its music, the agent takes the call, three are at the table', async () => {
    const parties = await call();
    const { caller, agent } = parties;
    await caller.hearing.stopsHearing(BOT_HZ, WITHIN);
    await killTheirWorker(parties);
    const sinceMs = performance.now();
    await view((one) => movedLegs(one) === 3);
    const music = (): boolean =>
      caller.hearing.windows.some(({ fromMs, tones }) => fromMs > sinceMs && tones.length > 0);
    while (!music()) await new Promise((resolve) => setTimeout(resolve, 25));
    assert.equal(caller.hearing.hasHeard(AGENT_HZ), false, 'and nothing of the consultation');
    await agent.press('1');
    await allHearEachOther(parties);
    await agent.press('#');
    await parties.bot.ended;
    await caller.hearing.stopsHearing(BOT_HZ, WITHIN);
    await caller.hangUp();
    assert.equal((await view((one) => one.endedAt !== null)).transfers[0]?.result?.outcome, 'completed');
  });

  it('with three at the table: each hears both others again and nobody itself, and two go on', async () => {
    const parties = await call();
    const { caller, bot, agent } = parties;
    await agent.press('1');
    await allHearEachOther(parties);
    await killTheirWorker(parties);
    await allHearEachOther(parties);
    await agent.press('#');
    assert.equal((await bot.ended).by, 'remote');
    await Promise.all([
      caller.hearing.stopsHearing(BOT_HZ, WITHIN),
      agent.hearing.stopsHearing(BOT_HZ, WITHIN),
      caller.hearing.hears(AGENT_HZ, WITHIN),
      agent.hearing.hears(CALLER_HZ, WITHIN),
    ]);
    for (const [one, hz] of [
      [caller, CALLER_HZ],
      [bot, BOT_HZ],
      [agent, AGENT_HZ],
    ] as const)
      assert.equal(one.hearing.hasHeard(hz), false, `${hz} Hz came back`);
    await agent.hangUp();
    await caller.ended;
    const over = await view((one) => one.endedAt !== null);
    assert.equal(over.transfers[0]?.result?.outcome, 'completed');
    assert.equal(movedLegs(over), 3);
  });
});
