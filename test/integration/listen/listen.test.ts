import assert from 'node:assert/strict';
import { loadConfig } from '../../../src/config/load-config.js';
import type { CliIo } from '../../../src/cli/cli-io.js';
import { runCli } from '../../../src/cli/run-cli.js';
import { Agent, type AgentOptions } from '../../../src/demo/agent.js';
import type { Hearing } from '../../../src/demo/audio/hearing.js';
import { Caller } from '../../../src/demo/caller.js';
import type { DemoCall } from '../../../src/demo/demo-call.js';
import { Voicebot } from '../../../src/demo/voicebot.js';
import { startNode, type RelevoNode } from '../../../src/main.js';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import type { CallView } from '../../../src/observe/call-view.js';
import type { ListenerView } from '../../../src/observe/listener-view.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { freePort } from '../../support/free-ports.js';

const [CALLER_HZ, BOT_HZ, AGENT_HZ, OPERATOR_HZ] = [500, 900, 1300, 1700] as const;
const WITHIN = { withinMs: 20_000 };
const TOKEN = 'supervisors-token';

describe('an operator listens to a call, on the wire', function () {
  this.timeout(90_000);
  const open: { close(): Promise<void> }[] = [];
  let threads: MediaWorkers[] = [];
  let node: RelevoNode;
  let bot: Voicebot;
  let agent: Agent;
  let operator: Agent;
  let caller: DemoCall;
  let botCall: DemoCall;
  let callId: string;

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    threads = [];
  });

  /** A call that is with the bot. */
  async function start(transfer: string, operatorOptions: AgentOptions = {}): Promise<void> {
    bot = await Voicebot.start({ toneHz: BOT_HZ });
    open.push(bot);
    agent = await Agent.start({ toneHz: AGENT_HZ, accept: { digit: '1', afterMs: 300 } });
    open.push(agent);
    operator = await Agent.start({ toneHz: OPERATOR_HZ, name: 'operator', ...operatorOptions });
    open.push(operator);
    const rtp = await freePort(34_000, 34_700);
    const text = `
listen:
  - { transport: udp, address: 127.0.0.1, port: 0 }
  - { transport: tcp, address: 127.0.0.1, port: 0 }
media: { address: 127.0.0.1, ports: ${rtp}-${rtp + 199}, workers: 2 }
api: { address: 127.0.0.1, port: 0, tokens: [{ name: supervisors, token: ${TOKEN}, role: operator }] }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8] }
  desk: { hosts: ["${agent.uri}"] }
  office: { hosts: ["${operator.uri}"], max_calls: 1 }
bots: { bot: { kind: sip, uri: "${bot.uri}" } }
destinations:
  desk-201: { type: extension, extension: agent, trunk: desk }
  supervisor: { type: extension, extension: operator, trunk: office }
projects:
  watched:
    match: [{ trunk: carrier, to: "1201" }]
    bot: bot
    transfer: { to: desk-201, ${transfer} }
    rules: [{ name: pressed zero, dtmf: "0" }]
    listen: { max: 2, ring_timeout: 20s }
`;
    const loaded = loadConfig({ text, path: 'watched.yaml' }, { env: {}, checkExpression });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    node = await startNode(loaded.config, {
      startMediaWorkers: async (options) => {
        const workers = await startMediaWorkers(options);
        threads.push(workers);
        return workers;
      },
    });
    open.push(node);
    const person = await Caller.start({ toneHz: CALLER_HZ, preferred: 'udp' });
    open.push(person);
    const atBot = bot.userAgent.nextCall(15_000);
    const { port } = node.sipListeners.find(({ transport }) => transport === 'udp')!;
    caller = await person.call(`sip:1201@127.0.0.1:${port};transport=udp`);
    botCall = await atBot;
    callId = botCall.header('X-Relevo-Call-Id')!;
    await caller.hearing.hears(BOT_HZ, WITHIN);
  }

  const url = (): string => `http://127.0.0.1:${node.apiAddress.port}`;
  const api = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url()}${path}`, {
      ...init,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(init.body ? { 'content-type': 'application/json' } : {}),
      },
    });
  const order = (to = 'supervisor'): Promise<Response> =>
    api(`/v1/calls/${callId}/listeners`, { method: 'POST', body: JSON.stringify({ to }) });

  /** The operator has answered. */
  async function listening(): Promise<{ readonly ear: DemoCall; readonly path: string }> {
    const atOperator = operator.userAgent.nextCall(15_000);
    const response = await order();
    assert.equal(response.status, 202, await response.clone().text());
    const ear = await atOperator;
    await ear.answered;
    return { ear, path: response.headers.get('location')! };
  }
  async function listenerWhere(path: string, ready: (view: ListenerView) => boolean): Promise<ListenerView> {
    const until = Date.now() + WITHIN.withinMs;
    for (;;) {
      const view = (await (await api(path)).json()) as ListenerView;
      if (ready(view)) return view;
      assert.ok(Date.now() < until, JSON.stringify(view));
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  /** Resolves once all the tones were in one window. */
  async function hearsTogether(hearing: Hearing, first: number, ...others: readonly number[]): Promise<void> {
    const until = Date.now() + WITHIN.withinMs;
    for (;;) {
      const { tones } = await hearing.hears(first, WITHIN);
      if (others.every((hz) => tones.some((one) => Math.abs(one - hz) <= 10))) return;
      assert.ok(Date.now() < until, `heard ${JSON.stringify(tones)}`);
    }
  }
  function nobodyHeardTheOperator(...parties: readonly DemoCall[]): void {
    for (const party of parties) assert.equal(party.hearing.hasHeard(OPERATOR_HZ), false);
  }

  it('hears caller and bot, then caller and person, in one stream; DELETE sends BYE and nobody notices', async () => {
    await start('method: invite');
    const reinvites: string[] = [];
    caller.on('reinvite', () => reinvites.push('caller'));
    botCall.on('reinvite', () => reinvites.push('bot'));
    const { ear, path } = await listening();
    assert.equal(ear.header('X-Relevo-Call-Id'), callId);
    assert.match(ear.header('Subject') ?? '', /^Listening: \S+ to 1201$/);
    assert.equal(ear.mediaDirection, 'sendrecv');
    await hearsTogether(ear.hearing, CALLER_HZ, BOT_HZ);
    // What an operator presses is not taken for the caller's.
    await ear.press('0');
    const { state, by, answeredAt } = await listenerWhere(path, (view) => view.state === 'listening');
    assert.deepEqual([state, by, answeredAt !== null], ['listening', 'supervisors', true]);
    const atAgent = agent.userAgent.nextCall(15_000);
    await caller.press('0');
    const agentCall = await atAgent;
    await caller.hearing.hears(AGENT_HZ, WITHIN);
    await ear.hearing.stopsHearing(BOT_HZ, WITHIN);
    await hearsTogether(ear.hearing, CALLER_HZ, AGENT_HZ);
    assert.match(await (await api('/metrics')).text(), /relevo_listeners\{state="listening"\} 1/);
    const { lost, ssrcChanges, timestampJumps } = ear.rtpStats();
    assert.deepEqual([lost, ssrcChanges, timestampJumps], [0, 0, 0]);
    assert.equal((await api(path, { method: 'DELETE' })).status, 202);
    const end = await ear.ended;
    assert.equal(end.by, 'remote');
    assert.match(end.reason ?? '', /Listening was stopped/);
    await listenerWhere(path, (view) => view.state === 'ended' && view.reason === 'stopped');
    assert.equal((await api(path, { method: 'DELETE' })).status, 409);
    await hearsTogether(caller.hearing, AGENT_HZ);
    await hearsTogether(agentCall.hearing, CALLER_HZ);
    nobodyHeardTheOperator(caller, botCall, agentCall);
    assert.deepEqual(reinvites, []);
    await caller.hangUp();
    await agentCall.ended;
  });

  it('hears all three of a three-way moment, after the music', async () => {
    await start(
      'mode: attended, method: invite, waiting: music, accept: { digit: "1", timeout: 20s }, three_way: { duration: 2m, digit: "#" }',
    );
    const { ear } = await listening();
    await hearsTogether(ear.hearing, CALLER_HZ, BOT_HZ);
    const atAgent = agent.userAgent.nextCall(15_000);
    await caller.press('0');
    const agentCall = await atAgent;
    await hearsTogether(ear.hearing, CALLER_HZ, BOT_HZ, AGENT_HZ);
    await agentCall.press('#');
    await ear.hearing.stopsHearing(BOT_HZ, WITHIN);
    await hearsTogether(ear.hearing, CALLER_HZ, AGENT_HZ);
    nobodyHeardTheOperator(caller, botCall, agentCall);
    // The call ends: the operator is not left on the line.
    await caller.hangUp();
    const end = await ear.ended;
    assert.equal(end.by, 'remote');
    assert.match(end.reason ?? '', /hung up|Call ended/);
  });

  it('goes on after its media worker died; hangs up, and the call goes on', async () => {
    await start('method: invite');
    const { ear, path } = await listening();
    await hearsTogether(ear.hearing, CALLER_HZ, BOT_HZ);
    const legs = await Promise.all(threads.map(async (one) => (await one.stats())[0]?.legs ?? 0));
    assert.deepEqual([...legs].sort(), [0, 3], 'all legs of a call are on one worker');
    const moved = [caller, botCall, ear].map(
      (one) => new Promise((resolve) => one.once('reinvite', resolve)),
    );
    await threads[legs.indexOf(3)]!.kill!();
    await Promise.all(moved);
    await caller.hearing.stopsHearing(OPERATOR_HZ, WITHIN);
    await hearsTogether(ear.hearing, CALLER_HZ, BOT_HZ);
    nobodyHeardTheOperator(caller, botCall);
    await ear.hangUp();
    const { reason } = await listenerWhere(path, (view) => view.state === 'ended');
    assert.equal(reason, 'hung_up');
    await hearsTogether(caller.hearing, BOT_HZ);
    await hearsTogether(botCall.hearing, CALLER_HZ);
    await caller.hangUp();
  });

  it('is not reached: the call shows how; a trunk without room, a stranger and a second end are refused', async () => {
    await start('method: invite', { answer: { kind: 'reject', status: 486 } });
    const first = await order();
    const path = first.headers.get('location')!;
    const { reason, sipStatus } = await listenerWhere(path, (view) => view.state === 'ended');
    assert.deepEqual([reason, sipStatus], ['busy', 486]);
    const code = async (response: Response): Promise<string> =>
      `${response.status} ${((await response.json()) as { code: string }).code}`;
    assert.equal(await code(await order('sip:stranger@192.0.2.1')), '403 listener_not_allowed');
    assert.equal(await code(await api(path, { method: 'DELETE' })), '409 listener_ended');
    await caller.hangUp();
    await botCall.ended;
  });

  it('is let go by CANCEL while it rings, by the command line; meanwhile its trunk is full', async () => {
    await start('method: invite', { answer: { kind: 'ring' } });
    const run = async (...args: readonly string[]): Promise<{ exit: number; text: string }> => {
      let text = '';
      const io: CliIo = {
        out: (more: string) => (text += more),
        err: (more: string) => (text += more),
        env: { RELEVO_URL: url(), RELEVO_TOKEN: TOKEN },
      };
      const exit = await runCli(args, io, '0', []);
      return { exit, text };
    };
    const atOperator = operator.userAgent.nextCall(15_000);
    const started = await run('listen', callId, 'supervisor', '--json');
    assert.equal(started.exit, 0, started.text);
    const { listenerId } = JSON.parse(started.text) as ListenerView;
    const ear = await atOperator;
    const path = `/v1/calls/${callId}/listeners/${listenerId}`;
    await listenerWhere(path, (view) => view.state === 'ringing');
    const full = await run('listen', callId, 'supervisor');
    assert.match(full.text, /trunk_full/);
    const stopped = await run('listen', callId, '--stop', listenerId);
    assert.deepEqual(stopped, { exit: 0, text: `${listenerId} is being let go\n` });
    await ear.ended;
    const view = (await (await api(`/v1/calls/${callId}`)).json()) as CallView;
    assert.deepEqual(
      view.listeners.map(({ state, reason }) => [state, reason]),
      [['ended', 'stopped']],
    );
    const shown = await run('show', callId);
    assert.match(shown.text, /listener \S+ at supervisor: ended \(stopped/);
    // Messages are traced a moment after they were sent.
    let ladder = '';
    while (!/487 Request Terminated/.test(ladder)) {
      ladder = (await run('ladder', callId)).text;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.match(ladder, /operator/);
    assert.match(ladder, /CANCEL/);
    // The session of the trunk is given back once nothing of the leg is left.
    const again = operator.userAgent.nextCall(15_000);
    while ((await order()).status !== 202) await new Promise((resolve) => setTimeout(resolve, 25));
    const second = await again;
    await caller.hangUp();
    await second.ended;
  });
});
