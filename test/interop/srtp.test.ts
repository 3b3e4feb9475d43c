import assert from 'node:assert/strict';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import {
  available,
  hears,
  startBaresip,
  startLinphone,
  type Softphone,
  type StartPhone,
} from '../support/softphone.js';

const CALLER_HZ = 440;
const BOT_HZ = 700;
const AGENT_HZ = 1000;

type Srtp = 'off' | 'optional' | 'required';

/** A phone with its side of the agreement, and ours towards it. */
interface Side {
  readonly start: StartPhone;
  readonly phone: Srtp;
  readonly trunk: Srtp;
}

const side = (start: StartPhone, phone: Srtp, trunk: Srtp): Side => ({ start, phone, trunk });

describe('Interop: SRTP with baresip and linphone', function () {
  this.timeout(60_000);
  const open: { close(): Promise<void> }[] = [];

  before(function () {
    const missing = ['baresip', 'linphonec'].filter((program) => !available(program));
    if (missing.length > 0) {
      process.stdout.write(`  ${missing.join(' and ')} not installed: SRTP interop tests are skipped\n`);
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

  const cast = async (caller: Side, agent: Side, startBot: StartPhone = startBaresip): Promise<Cast> => {
    const phone = (which: Side, user: string, toneHz: number, autoAnswer: boolean): Promise<Softphone> =>
      which.start({ toneHz, user, autoAnswer, ...(which.phone !== 'off' && { srtp: which.phone }) });
    const bot = await startBot({ toneHz: BOT_HZ, user: 'bot', autoAnswer: true });
    const agentPhone = await phone(agent, '201', AGENT_HZ, true);
    const callerPhone = await phone(caller, 'caller', CALLER_HZ, false);
    open.push(bot, agentPhone, callerPhone);
    const node = await startNodeUnderTest({
      botPort: bot.port,
      agentPort: agentPhone.port,
      carrierTrunk: `, srtp: ${caller.trunk}`,
      agentTrunk: `, srtp: ${agent.trunk}`,
      patient: true,
    });
    open.push(node);
    return { node, caller: callerPhone, bot, agent: agentPhone };
  };

  const ladderOf = async ({ node }: Cast, callId: string): Promise<string> => {
    const response = await node.api(`/v1/calls/${callId}/ladder`, {
      headers: { accept: 'application/json' },
    });
    return response.text();
  };

  /** Calls the bot, is handed over, and everybody has to hear the right one. */
  const handOver = async (all: Cast): Promise<string> => {
    const { node, caller, bot } = all;
    await caller.dial(`sip:${NUMBERS.bridged}@${node.target}`);
    const { callId } = await node.newestCall((call) => call.state === 'with_bot');
    await hears(caller, BOT_HZ, 10_000);
    await hears(bot, CALLER_HZ, 10_000);
    const response = await node.api(`/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'operator' }),
    });
    assert.equal(response.status, 202, await response.text());
    const call = await node.newestCall(
      (one) => one.transfers.some((transfer) => transfer.result !== null),
      20_000,
    );
    assert.equal(call.transfers[0]!.result!.outcome, 'completed');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return callId;
  };

  /** Some phones write their recording at the end of the call alone. */
  const endAndListen = async ({ node, caller, agent }: Cast): Promise<void> => {
    await caller.hangUp();
    await node.newestCall((call) => call.endedAt !== null);
    await hears(caller, AGENT_HZ, 10_000);
    await hears(agent, CALLER_HZ, 10_000);
  };

  const cases: [string, Side, Side, { encrypted: ('caller' | 'agent')[] }][] = [
    [
      'baresip calls with SRTP required, linphone is the agent in plain RTP',
      side(startBaresip, 'required', 'required'),
      side(startLinphone, 'off', 'off'),
      { encrypted: ['caller'] },
    ],
    [
      'linphone calls in plain RTP, baresip is the agent with SRTP required',
      side(startLinphone, 'off', 'off'),
      side(startBaresip, 'required', 'required'),
      { encrypted: ['agent'] },
    ],
    [
      'linphone calls with SRTP required, baresip is the agent with SRTP, keys of its own',
      side(startLinphone, 'required', 'required'),
      side(startBaresip, 'optional', 'optional'),
      { encrypted: ['caller', 'agent'] },
    ],
    [
      'baresip calls with optional SRTP, linphone is the agent with SRTP required',
      side(startBaresip, 'optional', 'optional'),
      side(startLinphone, 'required', 'required'),
      { encrypted: ['caller', 'agent'] },
    ],
    [
      'optional here, and plain RTP there: baresip calls, linphone is the agent',
      side(startBaresip, 'off', 'optional'),
      side(startLinphone, 'off', 'optional'),
      { encrypted: [] },
    ],
    [
      'optional on both sides: baresip calls with SRTP, linphone prefers plain RTP',
      side(startBaresip, 'optional', 'optional'),
      side(startLinphone, 'optional', 'optional'),
      { encrypted: ['caller'] },
    ],
  ];

  for (const [title, caller, agent, { encrypted }] of cases) {
    it(`hand-over, audio both ways: ${title}`, async () => {
      const all = await cast(caller, agent);
      const callId = await handOver(all);
      const ladder = await ladderOf(all, callId);
      await endAndListen(all);
      for (const { party, raw } of (JSON.parse(ladder) as { messages: { party: string; raw: string }[] })
        .messages) {
        assert.doesNotMatch(raw, /inline:(?!\[redacted\])/i, 'no key is shown');
        if (!/^SIP\/2\.0 200[^]*\r\nv=0/.test(raw)) continue;
        const wanted = (encrypted as string[]).includes(party);
        assert.equal(/\r\na=crypto:/.test(raw), wanted, `${party}: ${raw}`);
      }
    });
  }

  for (const start of [startBaresip, startLinphone]) {
    it(`hold and resume keep the stream: ${start.name.slice(5)} calls with SRTP`, async () => {
      const plain = side(startBaresip, 'off', 'off');
      const all = await cast(side(start, 'required', 'required'), plain, startLinphone);
      await all.caller.dial(`sip:${NUMBERS.basic}@${all.node.target}`);
      await all.node.newestCall((call) => call.state === 'with_bot');
      await hears(all.bot, CALLER_HZ, 10_000);
      await all.caller.hold();
      await all.node.newestCall((call) => call.legs.some((leg) => leg.party === 'caller' && leg.onHold));
      const before = all.bot.heardMs(CALLER_HZ);
      await all.caller.resume();
      await all.node.newestCall((call) => call.legs.every((leg) => !leg.onHold));
      await hears(all.bot, CALLER_HZ, 10_000, before);
      await all.caller.hangUp();
      const ended = await all.node.newestCall((call) => call.endedAt !== null);
      assert.equal(ended.state, 'ended');
      await hears(all.caller, BOT_HZ, 10_000);
    });
  }

  it('a caller without SRTP is refused with 488 where it is required', async () => {
    const all = await cast(side(startBaresip, 'off', 'required'), side(startLinphone, 'off', 'off'));
    await all.caller.dial(`sip:${NUMBERS.basic}@${all.node.target}`);
    await all.caller.says(/488/, 10_000);
  });

  it('a caller with SRTP is refused with 488 where it is off', async () => {
    const all = await cast(side(startLinphone, 'required', 'off'), side(startBaresip, 'off', 'off'));
    await all.caller.dial(`sip:${NUMBERS.basic}@${all.node.target}`);
    await all.caller.says(/488|Not [Aa]cceptable/, 10_000);
  });
});
