import assert from 'node:assert/strict';
import type { Worker } from 'node:worker_threads';
import { createLogger } from '../../../src/common/log.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { RunningNode } from '../../../src/main/running-node.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { startPolicyThread, type PolicyThread } from '../../../src/policy/policy-thread-host.js';
import { header, status } from '../../conformance/drachtio/support/sip-text.js';
import { freePort } from '../../support/free-ports.js';
import { configText, until } from './support/hostile-node.js';
import { answerTo, BOT_TAG, establish, hangUp, Peer, requestOf, type Talk } from './support/talk.js';

const AGENT_TAG = 'agenttag';
const BLOCKED_MS = 3_000;

describe('Threads that hang or die with calls up', function () {
  this.timeout(60_000);
  let node: RunningNode;
  let policy: PolicyThread;
  let workers: Worker[];
  let sip: { readonly sipPort: number };
  let bot: Peer;
  let agent: Peer;
  let caller: Peer;
  const open: Peer[] = [];

  const onWorker = (worker: Worker): void => {
    workers.push(worker);
  };

  beforeEach(async () => {
    workers = [];
    process.on('worker', onWorker);
    const port = (): Promise<number> => freePort(15_000, 15_899);
    const ports = { sip: await port(), bot: await port(), agent: await port(), api: await port() };
    const text = configText(ports, await freePort(40_000, 59_000), { logLevel: 'silent' });
    const loaded = loadConfig({ text, path: 'hostile.yaml' }, { env: {}, checkExpression });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    node = new RunningNode(loaded.config, {
      reload: null,
      drainMs: 0,
      version: '0',
      log: createLogger('test', 'silent'),
      startPolicy: async (options) => (policy = await startPolicyThread({ ...options, allowFaults: true })),
    });
    await node.start();
    sip = { sipPort: ports.sip };
    bot = await Peer.open(sip, ports.bot);
    agent = await Peer.open(sip, ports.agent);
    caller = await Peer.open(sip);
    open.push(bot, agent, caller);
  });

  afterEach(async () => {
    process.off('worker', onWorker);
    for (const peer of open.splice(0)) peer.close();
    await node.close();
  });

  const call = async ({ sipCallId }: Talk, ready: (one: CallView) => boolean): Promise<CallView> =>
    until('call', 10_000, () =>
      node.observer.book.list({}, 10).find((one) => one.sipCallId === sipCallId && ready(one)),
    );

  const metric = async (name: string, enough: (value: number) => boolean): Promise<void> => {
    await until(name, 10_000, async () => {
      const line = (await node.metrics()).split('\n').find((one) => one.startsWith(name));
      return line !== undefined && enough(Number(line.split(' ').at(-1))) ? true : undefined;
    });
  };

  const press = async (talk: Talk, cseq: number): Promise<void> => {
    const type = ['Content-Type: application/dtmf-relay'];
    const info = caller.ua.inDialog('INFO', cseq, talk.answer, type, 'Signal=0\r\nDuration=100\r\n');
    caller.ua.send(info);
    assert.equal(status(await answerTo(caller, info)), 200);
  };

  /** The agent takes the call, and the bot is let go. */
  const handOver = async (talk: Talk): Promise<void> => {
    const invite = await agent.invited();
    agent.ua.send(agent.ua.response(invite, 200, 'OK', AGENT_TAG, [], agent.sdp));
    const botBye = await requestOf(bot, 'BYE', header(talk.botInvite, 'Call-ID'));
    bot.ua.send(bot.ua.response(botBye, 200, 'OK', BOT_TAG));
    const { transfers } = await call(talk, (one) => (one.transfers.at(-1)?.result ?? null) !== null);
    assert.equal(transfers.at(-1)?.result?.outcome, 'completed');
  };

  it('takes calls and transfers by the API while the policy is blocked; the default decides, counted', async () => {
    policy.block(BLOCKED_MS);
    const blockedAt = performance.now();
    const talk = await establish(sip, caller, bot);
    const { callId } = await call(talk, (one) => one.state === 'with_bot');
    await press(talk, 5);
    await metric('relevo_policy_decisions_total{answer="late"}', (value) => value >= 1);
    assert.equal((await call(talk, () => true)).state, 'with_bot');
    const order = {
      kind: 'transfer',
      transferId: 't1',
      to: null,
      reason: 'operator',
      mode: null,
      method: null,
      headers: {},
      summary: null,
    } as const;
    assert.deepEqual(await node.order(callId, order), { accepted: true });
    await handOver(talk);
    assert.ok(performance.now() - blockedAt < BLOCKED_MS * 3);
  });

  it('honours what the caller asked of a policy that was blocked, once it answers', async () => {
    const talk = await establish(sip, caller, bot);
    await call(talk, (one) => one.state === 'with_bot');
    policy.block(1_500);
    await press(talk, 5);
    await handOver(talk);
  });

  it('survives the death of the policy thread, and has another one soon', async () => {
    const talk = await establish(sip, caller, bot);
    policy.crash();
    await until('restart', 10_000, async () => {
      const { restarts, responding } = await policy.stats();
      return restarts === 1 && responding ? true : undefined;
    });
    await press(talk, 5);
    await handOver(talk);
  });

  it('survives the death of the media worker: a call whose peers refuse the new ports ends, the next one has audio', async () => {
    const talk = await establish(sip, caller, bot, { talking: true });
    await bot.phone.hears(10);
    const media = workers[1];
    assert.ok(media);
    await media.terminate();
    caller.shutUp();
    bot.shutUp();
    await until('media down', 10_000, () => (node.health().parts['media-0'] === 'up' ? undefined : true));
    await until('media up', 10_000, () => (node.health().parts['media-0'] === 'up' ? true : undefined));
    const byes: [Peer, string, string][] = [
      [caller, talk.sipCallId, ''],
      [bot, header(talk.botInvite, 'Call-ID'), BOT_TAG],
    ];
    for (const [peer, id, tag] of byes) {
      const reinvite = await requestOf(peer, 'INVITE', id);
      peer.ua.send(peer.ua.response(reinvite, 488, 'Not Acceptable Here', tag));
      await requestOf(peer, 'ACK', id);
    }
    for (const [peer, id, tag] of byes)
      peer.ua.send(peer.ua.response(await requestOf(peer, 'BYE', id), 200, 'OK', tag));
    await call(talk, ({ endedAt }) => endedAt !== null);
    const other = await Peer.open(sip);
    open.push(other);
    const next = await establish(sip, other, bot, { talking: true });
    const heard = other.phone.heard.length;
    await other.phone.hears(heard + 20);
    await hangUp(next);
    await metric('relevo_media_ports{state="in_use"}', (value) => value === 0);
  });
});
