import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/load-config.js';
import { Agent, type AgentOptions } from '../../../src/demo/agent.js';
import type { Hearing } from '../../../src/demo/audio/hearing.js';
import { Caller } from '../../../src/demo/caller.js';
import type { DemoCall } from '../../../src/demo/demo-call.js';
import { Voicebot } from '../../../src/demo/voicebot.js';
import { startNode } from '../../../src/main.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { demoPartiesConfig } from '../../support/demo-parties-config.js';
import { writeToneWav } from '../../support/wav.js';

const [CALLER_HZ, BOT_HZ, AGENT_HZ] = [500, 900, 1300] as const;
const NOTICE_HZ = 1700;
const WITHIN = { withinMs: 15_000 };

interface Parties {
  readonly caller: DemoCall;
  readonly bot: DemoCall;
  readonly agent: DemoCall;
}

describe('three at the table, on the wire', function () {
  this.timeout(60_000);
  const open: { close(): Promise<void> }[] = [];
  let folder: string;
  let apiPort: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relevo-three-'));
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    await rm(folder, { recursive: true });
  });

  /** A call in which the caller has pressed 0 and the agent was reached. */
  async function call(transfer: string, agentOptions: AgentOptions = {}): Promise<Parties> {
    const bot = await Voicebot.start({ toneHz: BOT_HZ });
    open.push(bot);
    const agent = await Agent.start({
      toneHz: AGENT_HZ,
      accept: { digit: '1', afterMs: 300 },
      ...agentOptions,
    });
    open.push(agent);
    const text = await demoPartiesConfig({
      botUri: bot.uri,
      agentUri: agent.uri,
      workers: 1,
      log: 'error',
      projects: `
  three:
    match: [{ trunk: carrier, to: "1201" }]
    bot: bot
    transfer: { to: desk-201, mode: attended, waiting: music, accept: { digit: "1", timeout: 20s }, ${transfer} }
    rules: [{ name: pressed zero, dtmf: "0" }]
`,
    });
    const loaded = loadConfig({ text, path: join(folder, 'three.yaml') }, { env: {}, checkExpression });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const node = await startNode(loaded.config);
    open.push(node);
    apiPort = node.apiAddress.port;
    const person = await Caller.start({ toneHz: CALLER_HZ, preferred: 'udp' });
    open.push(person);
    const atBot = bot.userAgent.nextCall(10_000);
    const atAgent = agent.userAgent.nextCall(10_000);
    const caller = await person.call(
      `sip:1201@127.0.0.1:${node.sipListeners.find(({ transport }) => transport === 'udp')!.port};transport=udp`,
    );
    await caller.hearing.hears(BOT_HZ, WITHIN);
    await caller.press('0');
    const [botCall, agentCall] = [await atBot, await atAgent];
    await agentCall.answered;
    return { caller, bot: botCall, agent: agentCall };
  }
  async function result(): Promise<NonNullable<CallView['transfers'][number]['result']>> {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${apiPort}/v1/calls`);
      const { calls } = (await answer.json()) as { calls: CallView[] };
      const done = calls[0]?.transfers[0]?.result;
      if (done) return done;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  /** Resolves once both tones were in one window. */
  async function hearsBoth(hearing: Hearing, a: number, b: number): Promise<void> {
    const near = (tones: readonly number[], hz: number): boolean =>
      tones.some((one) => Math.abs(one - hz) <= 10);
    for (;;) {
      const { tones } = await hearing.hears(a, WITHIN);
      if (near(tones, b)) return;
    }
  }
  const allHearEachOther = ({ caller, bot, agent }: Parties): Promise<unknown> =>
    Promise.all([
      hearsBoth(caller.hearing, BOT_HZ, AGENT_HZ),
      hearsBoth(bot.hearing, CALLER_HZ, AGENT_HZ),
      hearsBoth(agent.hearing, CALLER_HZ, BOT_HZ),
    ]);
  const nobodyHeardItself = ({ caller, bot, agent }: Parties): void => {
    for (const [one, hz] of [
      [caller, CALLER_HZ],
      [bot, BOT_HZ],
      [agent, AGENT_HZ],
    ] as const)
      assert.equal(one.hearing.hasHeard(hz), false, `${hz} Hz came back`);
  };

  it('each hears both others and nobody itself; the agent ends it; two go on in one stream', async () => {
    const parties = await call('method: invite, three_way: { duration: 2m, digit: "#" }');
    const { caller, bot, agent } = parties;
    await allHearEachOther(parties);
    // A digit of the caller is no sound and ends nothing.
    await caller.press('5');
    await allHearEachOther(parties);
    assert.equal(agent.digits, '', 'no telephone-event goes into a mix');
    await agent.press('#');
    assert.equal((await bot.ended).by, 'remote');
    await Promise.all([
      caller.hearing.stopsHearing(BOT_HZ, WITHIN),
      agent.hearing.stopsHearing(BOT_HZ, WITHIN),
      caller.hearing.hears(AGENT_HZ, WITHIN),
      agent.hearing.hears(CALLER_HZ, WITHIN),
    ]);
    nobodyHeardItself(parties);
    for (const one of [caller, agent]) {
      const { lost, ssrcChanges, timestampJumps } = one.rtpStats();
      assert.deepEqual([lost, ssrcChanges, timestampJumps], [0, 0, 0]);
    }
    await agent.hangUp();
    await caller.ended;
    const { outcome, gapMs, humanConnectedAt } = await result();
    assert.equal(outcome, 'completed');
    assert.ok(gapMs !== null && humanConnectedAt !== null);
  });

  it('the bot says done, then the phone takes the second dialog by Replaces', async () => {
    const parties = await call('method: replaces, three_way: { duration: 2m }', { replaces: true });
    const { caller, bot, agent } = parties;
    await allHearEachOther(parties);
    const second = agent.isReplaced(15_000);
    assert.equal(await bot.sendEvent({ event: 'done' }), 200);
    const joined = await second;
    await Promise.all([
      joined.hearing.hears(CALLER_HZ, WITHIN),
      caller.hearing.hears(AGENT_HZ, WITHIN),
      bot.ended,
    ]);
    assert.equal((await result()).outcome, 'completed');
    await joined.hangUp();
    await caller.ended;
  });

  it('the agent holds: the two others talk on without its music; then the bot hangs up and two are left', async () => {
    const parties = await call('method: invite, three_way: { duration: 2m }');
    const { caller, bot, agent } = parties;
    await allHearEachOther(parties);
    assert.equal(await agent.hold(), 200);
    await caller.hearing.stopsHearing(AGENT_HZ, WITHIN);
    await Promise.all([caller.hearing.hears(BOT_HZ, WITHIN), bot.hearing.hears(CALLER_HZ, WITHIN)]);
    assert.equal(await agent.unhold(), 200);
    await allHearEachOther(parties);
    await bot.hangUp();
    await Promise.all([caller.hearing.hears(AGENT_HZ, WITHIN), agent.hearing.hears(CALLER_HZ, WITHIN)]);
    nobodyHeardItself(parties);
    await caller.hangUp();
    assert.equal((await agent.ended).by, 'remote');
    assert.equal((await result()).outcome, 'completed');
  });

  it('the agent hangs up: the caller stays with the bot', async () => {
    const parties = await call('method: invite, three_way: { duration: 2m }');
    const { caller, bot, agent } = parties;
    await allHearEachOther(parties);
    await agent.hangUp();
    await caller.hearing.stopsHearing(AGENT_HZ, WITHIN);
    await Promise.all([caller.hearing.hears(BOT_HZ, WITHIN), bot.hearing.hears(CALLER_HZ, WITHIN)]);
    const { outcome, attempts } = await result();
    assert.deepEqual([outcome, attempts[0]?.endedBy], ['declined', 'agent']);
    await caller.hangUp();
    await bot.ended;
  });

  it('the caller hangs up during the consultation: the agent hears the built-in notice, then BYE', async () => {
    const { caller, agent } = await call('method: invite', { accept: { digit: '5', afterMs: 600_000 } });
    await caller.hangUp();
    for (const hz of [950, 700, 450]) await agent.hearing.hears(hz, { ...WITHIN, sinceMs: 0 });
    const end = await agent.ended;
    assert.equal(end.by, 'remote');
    assert.match(end.reason ?? '', /caller hung up/i);
    assert.equal((await result()).outcome, 'caller_gone');
  });

  it('or the notice of the project', async () => {
    writeToneWav(join(folder, 'gone.wav'), NOTICE_HZ, 1);
    const { caller, agent } = await call('method: invite, caller_gone_notice: gone.wav', {
      accept: { digit: '5', afterMs: 600_000 },
    });
    await caller.hangUp();
    await agent.hearing.hears(NOTICE_HZ, { ...WITHIN, sinceMs: 0 });
    assert.equal((await agent.ended).by, 'remote');
  });
});
