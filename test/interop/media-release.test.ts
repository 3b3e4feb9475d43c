import assert from 'node:assert/strict';
import type { CallView } from '../../src/observe/call-view.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import {
  available,
  hears,
  startBaresip,
  startLinphone,
  type Softphone,
  type SoftphoneOptions,
} from '../support/softphone.js';

const [CALLER_HZ, BOT_HZ, AGENT_HZ] = [440, 700, 1000] as const;

type Start = (options: SoftphoneOptions) => Promise<Softphone>;

describe('Interop: audio past the node between baresip and linphone', function () {
  this.timeout(60_000);
  const open: { close(): Promise<void> }[] = [];
  let node: NodeUnderTest;

  before(function () {
    const missing = ['baresip', 'linphonec'].filter((program) => !available(program));
    if (missing.length > 0) {
      process.stdout.write(`  ${missing.join(' and ')} not installed: interop tests are skipped\n`);
      this.skip();
    }
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  interface Joined {
    readonly caller: Softphone;
    readonly agent: Softphone;
  }

  async function handOver(startCaller: Start, startAgent: Start): Promise<Joined> {
    const bot = await startBaresip({ toneHz: BOT_HZ, user: 'bot', autoAnswer: true });
    const agent = await startAgent({ toneHz: AGENT_HZ, user: '201', autoAnswer: true });
    const caller = await startCaller({ toneHz: CALLER_HZ, user: 'caller', autoAnswer: false });
    open.push(bot, agent, caller);
    node = await startNodeUnderTest({
      botPort: bot.port,
      agentPort: agent.port,
      carrierTrunk: ', media_release: true',
      agentTrunk: ', media_release: true',
      patient: true,
    });
    open.push(node);
    await caller.dial(`sip:${NUMBERS.bridged}@${node.target}`);
    const { callId } = await node.newestCall((call) => call.state === 'with_bot', 20_000);
    const headers = { 'content-type': 'application/json' };
    const asked = await node.api(`/v1/calls/${callId}/transfers`, { method: 'POST', headers, body: '{}' });
    assert.equal(asked.status, 202);
    return { caller, agent };
  }

  const noted = (call: CallView, name: string): CallView['notes'] =>
    call.notes.filter((note) => note.name === name);
  const released =
    (times: number) =>
    (call: CallView): boolean =>
      noted(call, 'media_released').length >= times;

  it('baresip and baresip: both tones go directly; a hold takes it back, its end lets it go again', async () => {
    const { caller, agent } = await handOver(startBaresip, startBaresip);
    await node.newestCall(released(1), 20_000);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await caller.hold();
    await node.newestCall((call) => noted(call, 'media_taken_back').length === 1, 20_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await caller.resume();
    await node.newestCall(released(2), 20_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await caller.hangUp();
    const { media } = await node.newestCall((call) => call.state === 'ended');
    await new Promise((resolve) => setTimeout(resolve, 500));
    // Of 7 s in which the two could speak, about 5 s went past the node.
    await hears(caller, AGENT_HZ, 5_000);
    await hears(agent, CALLER_HZ, 4_000);
    const legs = Object.values(media ?? {}).filter(({ party }) => party !== 'bot');
    assert.equal(legs.length, 2);
    for (const { party, packetsReceived } of legs)
      assert.ok(
        packetsReceived < (party === 'agent' ? 250 : 600),
        `${party}: ${packetsReceived} packets came through`,
      );
  });

  for (const [title, startCaller, startAgent] of [
    ['linphone calls, baresip is the agent', startLinphone, startBaresip],
    ['baresip calls, linphone is the agent', startBaresip, startLinphone],
  ] as const) {
    it(`${title}: both tones are heard, past the node or, where linphone names an address it does not send from, through it`, async () => {
      const { caller, agent } = await handOver(startCaller, startAgent);
      const call = await node.newestCall(
        (view) => released(1)(view) || noted(view, 'media_kept').length > 0,
        20_000,
      );
      const kept = noted(call, 'media_kept').map(({ detail }) => detail['reason']);
      process.stdout.write(`      ${kept.length > 0 ? `kept: ${kept.join()}` : 'released'}\n`);
      assert.ok(kept.length === 0 || kept[0] === 'nat', `kept: ${kept.join()}`);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await caller.hangUp();
      await node.newestCall((view) => view.state === 'ended');
      await new Promise((resolve) => setTimeout(resolve, 500));
      await hears(caller, AGENT_HZ, 2_500);
      await hears(agent, CALLER_HZ, 2_500);
    });
  }
});
