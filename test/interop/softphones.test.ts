import assert from 'node:assert/strict';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import {
  available,
  hears,
  startBaresip,
  startLinphone,
  type Softphone,
  type SoftphoneOptions,
} from '../support/softphone.js';

const CALLER_HZ = 440;
const BOT_HZ = 700;
const AGENT_HZ = 1000;

type Start = (options: SoftphoneOptions) => Promise<Softphone>;

describe('Interop: baresip and linphone as caller, bot and agent', function () {
  this.timeout(60_000);
  const open: { close(): Promise<void> }[] = [];

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

  interface Cast {
    readonly node: NodeUnderTest;
    readonly caller: Softphone;
    readonly bot: Softphone;
    readonly agent: Softphone;
  }

  const cast = async (caller: Start, bot: Start, agent: Start): Promise<Cast> => {
    const botPhone = await bot({ toneHz: BOT_HZ, user: 'bot', autoAnswer: true });
    const agentPhone = await agent({ toneHz: AGENT_HZ, user: '201', autoAnswer: true });
    const callerPhone = await caller({ toneHz: CALLER_HZ, user: 'caller', autoAnswer: false });
    open.push(botPhone, agentPhone, callerPhone);
    const node = await startNodeUnderTest({ botPort: botPhone.port, agentPort: agentPhone.port });
    open.push(node);
    return { node, caller: callerPhone, bot: botPhone, agent: agentPhone };
  };

  const callTheBot = async ({ node, caller }: Cast, number: string): Promise<string> => {
    await caller.dial(`sip:${number}@${node.target}`);
    const call = await node.newestCall((candidate) => candidate.state === 'with_bot');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return call.callId;
  };

  const askForPerson = async ({ node }: Cast, callId: string): Promise<void> => {
    const response = await node.api(`/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'operator' }),
    });
    assert.equal(response.status, 202, await response.text());
  };

  /** Ends the call at the caller and lets every phone finish its recording. */
  const endAndListen = async ({ node, caller, bot, agent }: Cast, hangUpAt: Softphone): Promise<void> => {
    await hangUpAt.hangUp();
    const call = await node.newestCall((candidate) => candidate.endedAt !== null);
    assert.equal(call.state, 'ended');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await hears(caller, BOT_HZ, 2000);
    await hears(bot, CALLER_HZ, 2000);
    await hears(caller, AGENT_HZ, 2000);
    await hears(agent, CALLER_HZ, 2000);
    assert.equal(agent.heardMs(BOT_HZ), 0, 'the agent never heard the bot');
    assert.equal(bot.heardMs(AGENT_HZ), 0, 'the bot never heard the agent');
  };

  const outcomeOf = async ({ node }: Cast): Promise<string> => {
    const call = await node.newestCall((candidate) => candidate.transfers.some((one) => one.result !== null));
    return call.transfers[0]!.result!.outcome;
  };

  const roles: [string, Start, Start, Start][] = [
    ['baresip calls, linphone is the bot, baresip the agent', startBaresip, startLinphone, startBaresip],
    ['linphone calls, baresip is the bot, linphone the agent', startLinphone, startBaresip, startLinphone],
  ];

  for (const [title, caller, bot, agent] of roles) {
    it(`bridged INVITE: ${title}`, async () => {
      const all = await cast(caller, bot, agent);
      await askForPerson(all, await callTheBot(all, NUMBERS.bridged));
      assert.equal(await outcomeOf(all), 'completed');
      await new Promise((resolve) => setTimeout(resolve, 2000));
      await endAndListen(all, all.caller);
    });

    it(`attended, bridged after INVITE with Replaces to the agent: ${title}`, async function () {
      if (agent === startBaresip) {
        process.stdout.write('      baresip 1.0 has no Replaces: skipped\n');
        this.skip();
      }
      const all = await cast(caller, bot, agent);
      await askForPerson(all, await callTheBot(all, NUMBERS.attendedReplacesOpen));
      assert.equal(await outcomeOf(all), 'completed');
      await new Promise((resolve) => setTimeout(resolve, 2000));
      await endAndListen(all, all.caller);
    });

    it(`blind REFER toward the caller: ${title}`, async () => {
      // Two linphones talk past each other: each names the address of its default route in SDP, not loopback.
      const all = await cast(caller, bot, caller === startLinphone ? startBaresip : agent);
      await askForPerson(all, await callTheBot(all, NUMBERS.refer));
      assert.match(await outcomeOf(all), /^completed/);
      await all.node.newestCall((candidate) => candidate.endedAt !== null);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      await all.caller.hangUp();
      await new Promise((resolve) => setTimeout(resolve, 500));
      await hears(all.agent, CALLER_HZ, 3000);
      await hears(all.caller, AGENT_HZ, 3000);
    });

    it(`hold and resume by the caller: ${title}`, async () => {
      const all = await cast(caller, bot, agent);
      await callTheBot(all, NUMBERS.basic);
      await all.caller.hold();
      const held = await all.node.newestCall((call) =>
        call.legs.some((leg) => leg.party === 'caller' && leg.onHold),
      );
      assert.equal(held.state, 'with_bot');
      await all.caller.resume();
      await all.node.newestCall((call) => call.legs.every((leg) => !leg.onHold));
      await all.caller.hangUp();
      await all.node.newestCall((call) => call.endedAt !== null);
    });
  }

  it('baresip as a bot hands the call over by its own REFER', async () => {
    const all = await cast(startLinphone, startBaresip, startBaresip);
    await callTheBot(all, NUMBERS.bridged);
    await all.bot.transfer(`sip:agent@${all.node.target}`);
    assert.equal(await outcomeOf(all), 'completed');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await endAndListen(all, all.agent);
  });
});
