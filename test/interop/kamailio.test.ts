import assert from 'node:assert/strict';
import { freeMediaPort, freePort } from '../support/free-ports.js';
import { MASK_ADDRESS, startKamailio, type Kamailio } from '../support/kamailio.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import { sippAvailable, startSipp, succeeded, type Sipp } from '../support/sipp.js';
import { available } from '../support/softphone.js';

describe('Interop: kamailio in front as an SBC that record-routes and hides the topology', function () {
  this.timeout(60_000);
  let node: NodeUnderTest;
  let sbc: Kamailio;
  const running: Sipp[] = [];

  before(async function () {
    if (!available('kamailio') || !sippAvailable()) {
      process.stdout.write('  kamailio or SIPp is not installed: these tests are skipped\n');
      this.skip();
    }
    node = await startNodeUnderTest();
    sbc = await startKamailio(await freePort(), node.sipPort);
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((sipp) => sipp.close()));
  });

  after(async () => {
    await sbc.close();
    await node.close();
  });

  const rows = [
    {
      title: 'a call through it',
      caller: 'caller-basic-answered',
      number: NUMBERS.basic,
      bot: 'bot-rings-answers',
      outcome: null,
    },
    {
      title: 'CANCEL through it',
      caller: 'caller-cancel-terminated',
      number: NUMBERS.basic,
      bot: 'bot-rings-cancelled',
      outcome: null,
    },
    {
      title: 'hold and resume through it',
      caller: 'caller-hold-resume',
      number: NUMBERS.basic,
      bot: 'bot-held-resumed',
      outcome: null,
    },
    {
      title: 'the bot hangs up: BYE along the route',
      caller: 'caller-waits-for-bye',
      number: NUMBERS.basic,
      bot: 'bot-answers-hangs-up',
      outcome: null,
    },
    {
      title: 'REFER and its NOTIFYs through it',
      caller: 'caller-refer-accepted',
      number: NUMBERS.refer,
      bot: 'bot-answers',
      outcome: 'completed',
    },
    {
      title: 'REFER refused behind it, then a bridged INVITE',
      caller: 'caller-refer-rejected-then-bridged',
      number: NUMBERS.auto,
      bot: 'bot-answers',
      agent: 'agent-rings-answers',
      outcome: 'completed',
    },
    {
      title: 'a bridged INVITE, the agent ends the call',
      caller: 'caller-presses-zero-agent-ends',
      number: NUMBERS.bridged,
      bot: 'bot-answers',
      agent: 'agent-answers-hangs-up',
      outcome: 'completed',
    },
    {
      title: 'attended, completed by REFER with Replaces',
      caller: 'caller-refer-accepted',
      number: NUMBERS.attendedRefer,
      bot: 'bot-answers',
      agent: 'agent-accepts-stays',
      outcome: 'completed',
    },
  ];

  for (const row of rows) {
    it(row.title, async () => {
      const bot = await startSipp({ scenario: row.bot, port: node.botPort });
      running.push(bot);
      const agent =
        row.agent === undefined ? null : await startSipp({ scenario: row.agent, port: node.agentPort });
      if (agent) running.push(agent);
      const caller = await startSipp({
        scenario: row.caller,
        port: await freePort(),
        target: `127.0.0.1:${sbc.port}`,
        service: row.number,
        args: ['-mp', String(await freeMediaPort())],
      });
      running.push(caller);
      const { messages } = await succeeded(caller, row.caller);
      assert.ok(messages.includes(MASK_ADDRESS), 'the topology was hidden');
      await succeeded(bot, row.bot);
      if (agent) await succeeded(agent, row.agent!);
      const call = await node.newestCall((candidate) => candidate.endedAt !== null);
      assert.equal(call.transfers[0]?.result?.outcome ?? null, row.outcome);
    });
  }
});
