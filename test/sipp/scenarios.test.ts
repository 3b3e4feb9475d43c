import assert from 'node:assert/strict';
import type { TransferOutcome } from '../../src/call/vocabulary.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import { freeMediaPort, freePort } from '../support/free-ports.js';
import { sippAvailable, startSipp, succeeded, type Sipp } from '../support/sipp.js';

/** One scenario: who plays what, and what the node must report afterwards. */
interface Case {
  readonly title: string;
  readonly caller: string;
  readonly number: string;
  readonly bot?: string;
  readonly agent?: string;
  readonly agentCalls?: number;
  readonly colleague?: string;
  readonly outcome?: TransferOutcome;
  readonly method?: 'refer' | 'invite' | 'replaces';
  readonly attempts?: number;
  /** The call ends with the caller's SIPp; where it does not, nothing else is expected of it. */
  readonly sipStatus?: number;
  readonly transport?: 'u1' | 't1';
}

const CASES: readonly Case[] = [
  {
    title: 'basic call: the bot rings and answers, the caller hangs up',
    caller: 'caller-basic-answered',
    number: NUMBERS.basic,
    bot: 'bot-rings-answers',
  },
  {
    title: 'basic call over TCP',
    caller: 'caller-basic-answered',
    number: NUMBERS.basic,
    bot: 'bot-rings-answers',
    transport: 't1',
  },
  {
    title: 'early media: the bot sends 183 with SDP before it answers',
    caller: 'caller-basic-answered',
    number: NUMBERS.basic,
    bot: 'bot-early-media-answers',
  },
  {
    title: 'the bot hangs up: the caller gets BYE',
    caller: 'caller-waits-for-bye',
    number: NUMBERS.basic,
    bot: 'bot-answers-hangs-up',
  },
  {
    title: 'CANCEL: the bot is cancelled too',
    caller: 'caller-cancel-terminated',
    number: NUMBERS.basic,
    bot: 'bot-rings-cancelled',
    sipStatus: 487,
  },
  {
    title: 'busy bot: the caller gets 486',
    caller: 'caller-bot-busy',
    number: NUMBERS.basic,
    bot: 'bot-busy',
    sipStatus: 486,
  },
  {
    title: 'bot answers 503: the caller gets 503',
    caller: 'caller-bot-unavailable',
    number: NUMBERS.basic,
    bot: 'bot-unavailable',
    sipStatus: 503,
  },
  {
    title: 'bot answers 503 with a fallback destination: the agent takes the call',
    caller: 'caller-waits-for-bye',
    number: NUMBERS.botFailureToAgent,
    bot: 'bot-unavailable',
    agent: 'agent-answers-hangs-up',
    outcome: 'completed',
    method: 'invite',
  },
  {
    title: 'hold and resume reach the bot',
    caller: 'caller-hold-resume',
    number: NUMBERS.basic,
    bot: 'bot-held-resumed',
  },
  {
    title: 'late offer: our offer in the 200, the answer in the ACK',
    caller: 'caller-late-offer-answered',
    number: NUMBERS.basic,
    bot: 'bot-answers',
  },

  {
    title: 'blind REFER accepted, success reported, caller ends the call',
    caller: 'caller-refer-accepted',
    number: NUMBERS.refer,
    bot: 'bot-answers',
    outcome: 'completed',
    method: 'refer',
  },
  {
    title: 'blind REFER accepted, caller stays: the node hangs up after its grace',
    caller: 'caller-refer-accepted-node-hangs-up',
    number: NUMBERS.refer,
    bot: 'bot-answers',
    outcome: 'completed',
    method: 'refer',
  },
  {
    title: 'blind REFER rejected: the call stays with the bot',
    caller: 'caller-refer-rejected',
    number: NUMBERS.refer,
    bot: 'bot-answers',
    outcome: 'refer_rejected',
    method: 'refer',
  },
  {
    title: 'blind REFER, final NOTIFY says busy: the call stays with the bot',
    caller: 'caller-refer-target-busy',
    number: NUMBERS.refer,
    bot: 'bot-answers',
    outcome: 'busy',
    method: 'refer',
  },
  {
    title: 'blind REFER, no NOTIFY: a timeout, the call stays with the bot',
    caller: 'caller-refer-no-notify',
    number: NUMBERS.refer,
    bot: 'bot-answers',
    outcome: 'timeout',
    method: 'refer',
  },
  {
    title: 'blind REFER, BYE after 202: completed, unconfirmed',
    caller: 'caller-refer-bye-after-accepted',
    number: NUMBERS.refer,
    bot: 'bot-answers',
    outcome: 'completed_unconfirmed',
    method: 'refer',
  },
  {
    title: 'blind REFER, the NOTIFY comes after the BYE: completed, and a later NOTIFY gets 481',
    caller: 'caller-refer-notify-after-bye',
    number: NUMBERS.refer,
    bot: 'bot-answers',
    outcome: 'completed',
    method: 'refer',
  },
  {
    title: 'method auto: REFER refused, then a bridged INVITE',
    caller: 'caller-refer-rejected-then-bridged',
    number: NUMBERS.auto,
    bot: 'bot-answers',
    agent: 'agent-rings-answers',
    outcome: 'completed',
    attempts: 2,
  },

  {
    title: 'bridged INVITE answered: the agent ends the call',
    caller: 'caller-presses-zero-agent-ends',
    number: NUMBERS.bridged,
    bot: 'bot-answers',
    agent: 'agent-answers-hangs-up',
    outcome: 'completed',
    method: 'invite',
  },
  {
    title: 'bridged INVITE answered: the caller ends the call',
    caller: 'caller-presses-zero-stays',
    number: NUMBERS.bridged,
    bot: 'bot-answers',
    agent: 'agent-rings-answers',
    outcome: 'completed',
    method: 'invite',
  },
  {
    title: 'bridged INVITE busy: the bot resumes',
    caller: 'caller-presses-zero-stays',
    number: NUMBERS.bridged,
    bot: 'bot-answers',
    agent: 'agent-busy',
    outcome: 'busy',
    method: 'invite',
  },
  {
    title: 'bridged INVITE not answered: CANCEL, the bot resumes',
    caller: 'caller-presses-zero-stays',
    number: NUMBERS.bridged,
    bot: 'bot-answers',
    agent: 'agent-rings-cancelled',
    outcome: 'no_answer',
    method: 'invite',
  },
  {
    title: 'bridged INVITE declined: the bot resumes',
    caller: 'caller-presses-zero-stays',
    number: NUMBERS.bridged,
    bot: 'bot-answers',
    agent: 'agent-declines',
    outcome: 'declined',
    method: 'invite',
  },
  {
    title: 'caller hangs up while the agent rings: CANCEL at once',
    caller: 'caller-presses-zero-hangs-up',
    number: NUMBERS.bridged,
    bot: 'bot-answers',
    agent: 'agent-rings-cancelled',
    outcome: 'caller_gone',
    method: 'invite',
  },
  {
    title: 'first destination busy, the next one answers',
    caller: 'caller-presses-zero-stays',
    number: NUMBERS.chain,
    bot: 'bot-answers',
    agent: 'agent-busy',
    colleague: 'agent-rings-answers',
    outcome: 'completed',
    attempts: 2,
  },

  {
    title: 'attended: the agent presses 1 and is bridged',
    caller: 'caller-presses-zero-agent-ends',
    number: NUMBERS.attended,
    bot: 'bot-answers',
    agent: 'agent-accepts-with-digit',
    outcome: 'completed',
    method: 'invite',
  },
  {
    title: 'attended: the agent declines, the bot resumes',
    caller: 'caller-presses-zero-stays',
    number: NUMBERS.attended,
    bot: 'bot-answers',
    agent: 'agent-declines',
    outcome: 'declined',
    method: 'invite',
  },
  {
    title: 'attended: the agent hangs up before accepting, the bot resumes',
    caller: 'caller-presses-zero-stays',
    number: NUMBERS.attended,
    bot: 'bot-answers',
    agent: 'agent-hangs-up-before-accepting',
    outcome: 'declined',
    method: 'invite',
  },
  {
    title: 'attended: the caller hangs up during the consultation',
    caller: 'caller-presses-zero-hangs-up',
    number: NUMBERS.attended,
    bot: 'bot-answers',
    agent: 'agent-rings-answers',
    outcome: 'caller_gone',
  },
  {
    title: 'attended: completed by INVITE with Replaces',
    caller: 'caller-presses-zero-stays',
    number: NUMBERS.attendedReplaces,
    bot: 'bot-answers',
    agent: 'agent-replaced',
    agentCalls: 2,
    outcome: 'completed',
    method: 'replaces',
  },
  {
    title: 'attended: completed by REFER with Replaces',
    caller: 'caller-refer-accepted',
    number: NUMBERS.attendedRefer,
    bot: 'bot-answers',
    agent: 'agent-accepts-stays',
    outcome: 'completed',
    method: 'refer',
  },

  {
    title: 'Replaces: a second phone takes the call over',
    caller: 'caller-replaces-accepted',
    number: NUMBERS.basic,
    bot: 'bot-answers',
  },
  {
    title: 'Replaces that names no dialog: 481',
    caller: 'caller-replaces-unknown-dialog',
    number: NUMBERS.basic,
  },

  {
    title: 'the bot asks by REFER: NOTIFY tells it the end',
    caller: 'caller-waits-for-bye',
    number: NUMBERS.bridged,
    bot: 'bot-refers-destination',
    agent: 'agent-answers-hangs-up',
    outcome: 'completed',
    method: 'invite',
  },
  {
    title: 'the bot names a forbidden target: refused before any SIP',
    caller: 'caller-basic-long',
    number: NUMBERS.bridged,
    bot: 'bot-refers-forbidden-target',
    outcome: 'not_allowed',
    attempts: 0,
  },
  {
    title: 'the bot reports by INFO that the caller wants a person',
    caller: 'caller-waits-for-bye',
    number: NUMBERS.bridged,
    bot: 'bot-asks-for-person',
    agent: 'agent-answers-hangs-up',
    outcome: 'completed',
  },
  {
    title: 'the bot does not understand three turns running',
    caller: 'caller-waits-for-bye',
    number: NUMBERS.bridged,
    bot: 'bot-low-confidence',
    agent: 'agent-answers-hangs-up',
    outcome: 'completed',
  },
  {
    title: 'DTMF by RFC 4733 asks for a person',
    caller: 'caller-dtmf-rfc4733-agent-ends',
    number: NUMBERS.bridged,
    bot: 'bot-answers',
    agent: 'agent-answers-hangs-up',
    outcome: 'completed',
  },

  { title: 'an unknown number gets 404', caller: 'caller-unknown-number-not-found', number: '9999' },
  { title: 'OPTIONS is answered with what we allow', caller: 'caller-options-answered', number: 'relevo' },
];

describe('SIPp scenarios against a running node', function () {
  this.timeout(60_000);
  let node: NodeUnderTest;
  const running: Sipp[] = [];

  before(async function () {
    if (!sippAvailable()) {
      process.stdout.write('  SIPp is not installed: these tests are skipped (apt-get install sip-tester)\n');
      this.skip();
    }
    node = await startNodeUnderTest();
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((sipp) => sipp.close()));
  });

  after(async () => {
    await node.close();
  });

  const play = async (scenario: string, port: number, calls = 1): Promise<Sipp> => {
    const sipp = await startSipp({ scenario, port, calls });
    running.push(sipp);
    return sipp;
  };

  for (const row of CASES) {
    it(row.title, async () => {
      const others: [Sipp, string][] = [];
      if (row.bot) others.push([await play(row.bot, node.botPort), row.bot]);
      if (row.agent) others.push([await play(row.agent, node.agentPort, row.agentCalls), row.agent]);
      if (row.colleague) others.push([await play(row.colleague, node.secondAgentPort), row.colleague]);
      const caller = await startSipp({
        scenario: row.caller,
        port: await freePort(),
        target: node.target,
        service: row.number,
        transport: row.transport ?? 'u1',
        args: ['-mp', String(await freeMediaPort())],
      });
      running.push(caller);
      await succeeded(caller, row.caller);
      for (const [sipp, name] of others) await succeeded(sipp, name);
      if (!row.bot) return;

      const call = await node.newestCall((candidate) => candidate.endedAt !== null);
      if (row.sipStatus !== undefined) assert.equal(call.sipStatus, row.sipStatus);
      const results = call.transfers.map((transfer) => transfer.result);
      if (row.outcome === undefined) {
        assert.deepEqual(results, []);
        return;
      }
      assert.equal(results.length, 1, 'exactly one transfer');
      const result = results[0]!;
      assert.equal(result.outcome, row.outcome, JSON.stringify(result, null, 1));
      if (row.attempts !== undefined) assert.equal(result.attempts.length, row.attempts);
      if (row.method) assert.equal(result.attempts.at(-1)?.method, row.method);
      if (row.outcome === 'completed' && result.attempts.at(-1)?.method === 'invite') {
        assert.ok(result.humanConnectedAt !== null, 'the person was connected');
      }
    });
  }

  it('leaves no call, leg or port behind', async () => {
    const body = (await (await node.api('/v1/calls?limit=200')).json()) as { live: number };
    assert.equal(body.live, 0);
    const metrics = await (await node.api('/metrics')).text();
    assert.match(metrics, /^relevo_media_ports\{state="in_use"\} 0$/m);
  });
});
