import assert from 'node:assert/strict';
import type { TransferView } from '../../../src/observe/call-view.js';
import { sippAvailable, succeeded } from '../../support/sipp.js';
import { startWireNode, type WireNode, type WirePorts } from './wire-node.js';

function configText({ sip, bot, agent, colleague, rtp }: WirePorts & { rtp: number }): string {
  const timers = 'timers: { refer_reply: 2s, first_notify: 1500ms, total: 30s, bye_grace: 1s }';
  return `
listen:
  - { transport: udp, address: 127.0.0.1, port: ${sip} }
media: { address: 127.0.0.1, ports: ${rtp}-${rtp + 199}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8], deny: ["+1900*"], accept_refer_out_of_dialog: true }
  private: { allow: [127.0.0.0/8], identity: { p_asserted_identity: false } }
  strict: { allow: [127.0.0.0/8], refer_policy: reject }
  silent: { allow: [127.0.0.0/8], transfer: { refer_sub: false } }
  desk:
    hosts: ["sip:127.0.0.1:${agent}"]
    number_format: e164-without-plus
    follow_redirects: true
    identity: { diversion: true, history_info: true }
  team: { hosts: ["sip:127.0.0.1:${colleague}"] }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${bot}" }
  passing: { kind: sip, uri: "sip:bot@127.0.0.1:${bot}", refer_policy: pass }
destinations:
  agent: { type: extension, extension: "201", trunk: desk, ring_timeout: 3s }
  switchboard: { type: extension, extension: "200", trunk: desk, then_dial: "p201#" }
  colleague: { type: extension, extension: "202", trunk: team, ring_timeout: 3s }
  informed:
    type: phone
    number: "+5491155550101"
    trunk: desk
    uui: { content: "{callId}", protocol_discriminator: "04" }
  both: { type: group, strategy: simultaneous, members: [agent, colleague] }
projects:
  informed:
    match: [{ trunk: carrier, to: "1101" }]
    bot: bot
    transfer: { to: informed, method: invite, context: { summary_header: X-Summary }, ${timers} }
  onward:
    match: [{ trunk: carrier, to: "1102" }]
    bot: bot
    transfer: { to: agent, method: invite, waiting: music, ${timers} }
    rules: [{ name: pressed zero, dtmf: "0" }]
  away:
    match: [{ trunk: carrier, to: "1103" }]
    bot: bot
    transfer: { to: agent, ${timers}, allow: [{ to: "+*", trunk: carrier }] }
  strict:
    match: [{ trunk: strict, to: "1104" }]
    bot: bot
    transfer: { to: agent, ${timers} }
  passing:
    match: [{ trunk: carrier, to: "1105" }]
    bot: passing
    transfer: { to: agent, ${timers} }
  silent:
    match: [{ trunk: silent, to: "1106" }]
    bot: bot
    transfer: { to: agent, method: refer, ${timers} }
    rules: [{ name: pressed zero, dtmf: "0" }]
  switchboard:
    match: [{ trunk: carrier, to: "1107" }]
    bot: bot
    transfer: { to: switchboard, method: invite, waiting: music, ${timers} }
    rules: [{ name: pressed zero, dtmf: "0" }]
  sentence:
    match: [{ trunk: carrier, to: "1108" }]
    bot: bot
    transfer: { to: agent, method: invite, bot_finish: 5s, ${timers} }
  both:
    match: [{ trunk: carrier, to: "1109" }]
    bot: bot
    transfer: { to: both, method: invite, waiting: ringback, ${timers} }
    rules: [{ name: pressed zero, dtmf: "0" }]
  circles:
    match: [{ trunk: carrier, to: "1110" }]
    bot: bot
    transfer: { to: agent, method: invite, waiting: music, after_agent: resume-bot, ${timers} }
    limits: { max_transfers: 1 }
    rules: [{ name: pressed zero, dtmf: "0" }]
  three:
    match: [{ trunk: carrier, to: "1111" }]
    bot: bot
    transfer:
      { to: agent, mode: attended, method: invite, waiting: music, accept: { digit: "1", timeout: 10s }, three_way: { duration: 1s }, ${timers} }
    rules: [{ name: pressed zero, dtmf: "0" }]
  answered:
    match: [{ trunk: private, to: "1112" }]
    bot: bot
    carry_answer_headers: [X-*, Alert-Info, P-Asserted-Identity]
  consulted:
    match: [{ trunk: carrier, to: "1113" }]
    bot: bot
    transfer:
      { to: agent, mode: attended, method: invite, waiting: music, accept: { digit: "9", timeout: 10s }, ${timers} }
    rules: [{ name: pressed zero, dtmf: "0" }]
`;
}

describe('transfers on the wire: identity, context, REFER from every side, limits', function () {
  this.timeout(60_000);
  let node: WireNode;

  before(async function () {
    if (!sippAvailable()) {
      process.stdout.write('  SIPp is not installed: these tests are skipped (apt-get install sip-tester)\n');
      this.skip();
    }
    node = await startWireNode(configText);
  });
  afterEach(() => node.stopAll());
  after(() => node.close());

  /** Plays one call to its end; every SIPp must succeed. */
  async function play(
    number: string,
    caller: string,
    others: Partial<Record<'bot' | 'agent' | 'colleague', string>>,
    args: readonly string[] = [],
  ): Promise<readonly TransferView[]> {
    const running = [];
    for (const role of ['bot', 'agent', 'colleague'] as const) {
      const scenario = others[role];
      if (scenario)
        running.push({ scenario, sipp: await node.play(scenario, role, role === 'agent' ? args : []) });
    }
    await succeeded(await node.call(caller, number), caller);
    for (const { scenario, sipp } of running) await succeeded(sipp, scenario);
    return (await node.endedCall()).transfers;
  }
  const outcomes = (transfers: readonly TransferView[]): unknown[] =>
    transfers.map(({ result }) => [result?.outcome, result?.attempts.map((one) => one.sipStatus)]);

  it('the agent sees the caller, the diversion, User-to-User, the summary and the Session-ID as the trunk allows', async () => {
    const transfers = await play('1101', 'caller-basic-long', {
      bot: 'bot-asks-with-summary',
      agent: 'agent-checks-identity',
    });
    assert.deepEqual(outcomes(transfers), [['completed', [200]]]);
    assert.equal(transfers[0]?.result?.summary, 'wants a refund');
  });

  it('REFER of the caller side: the target is dialled, joined with the bot, and the referrer gets its BYE', async () => {
    const bot = 'bot-answers-hangs-up-late';
    const transfers = await play('1103', 'caller-refers-away', { bot, colleague: 'agent-rings-answers' });
    assert.deepEqual(outcomes(transfers), [['completed', [200]]]);
  });

  it('REFER of the caller side, who hangs up at once: the bot is joined with the target all the same', async () => {
    const bot = 'bot-answers-hangs-up-late';
    const transfers = await play('1103', 'caller-refers-away-hangs-up', {
      bot,
      colleague: 'agent-rings-answers',
    });
    assert.deepEqual(outcomes(transfers), [['completed', [200]]]);
  });

  it('REFER outside the call, by Target-Dialog: the same transfer, with NOTIFYs in a dialog of its own', async () => {
    const bot = 'bot-answers-hangs-up-late';
    const transfers = await play('1103', 'caller-refers-outside', { bot, colleague: 'agent-rings-answers' });
    assert.deepEqual(outcomes(transfers), [['completed', [200]]]);
  });

  it('REFER of the caller side on a trunk that rejects it: 603, the call goes on', async () => {
    assert.deepEqual(await play('1104', 'caller-refer-not-served', { bot: 'bot-answers' }), []);
  });

  it('REFER of the agent: the caller goes on to a colleague', async () => {
    const transfers = await play('1102', 'caller-presses-zero-stays', {
      bot: 'bot-answers',
      agent: 'agent-refers-onward',
      colleague: 'agent-rings-answers',
    });
    assert.deepEqual(outcomes(transfers), [
      ['completed', [200]],
      ['completed', [200]],
    ]);
  });

  it('REFER of a bot whose REFERs are passed on: the caller side dials, the bot hears how it went', async () => {
    const transfers = await play('1105', 'caller-takes-refer', { bot: 'bot-refers-destination' });
    assert.deepEqual(outcomes(transfers), [['completed', [200]]]);
    assert.equal(transfers[0]?.result?.attempts[0]?.method, 'refer');
    assert.equal(typeof transfers[0].result.gapMs, 'number', 'measured until the caller left by itself');
  });

  it('REFER of ours without a subscription (RFC 4488): accepted is all that is known', async () => {
    const transfers = await play('1106', 'caller-refer-no-subscription', { bot: 'bot-answers' });
    assert.deepEqual(
      transfers.map(({ result }) => result?.outcome),
      ['completed_unconfirmed'],
    );
  });

  it('REFER of a bot to a denied number: 603 and not_allowed, nothing is dialled', async () => {
    const transfers = await play('1103', 'caller-basic-long', { bot: 'bot-refers-denied-number' });
    assert.deepEqual(outcomes(transfers), [['not_allowed', []]]);
    assert.match(transfers[0]?.result?.detail ?? '', /denied on trunk carrier by \+1900\*/);
  });

  it('three at the table: the bot stays for a second after the agent took the call, then two are left', async () => {
    const transfers = await play('1111', 'caller-presses-zero-agent-ends', {
      bot: 'bot-answers',
      agent: 'agent-accepts-with-digit',
    });
    assert.deepEqual(outcomes(transfers), [['completed', [200]]]);
    const steps = transfers[0]!.steps.filter(({ progress }) => progress !== 'ringing');
    assert.deepEqual(
      steps.map(({ progress }) => progress),
      ['answered', 'accepted', 'three_way', 'three_way_over', 'connected'],
    );
    assert.ok(steps[3]!.at - steps[2]!.at >= 990, 'the bound of the three');
  });

  it('the caller hangs up during the consultation: the notice, then BYE to the agent', async () => {
    const transfers = await play('1113', 'caller-presses-zero-hangs-up', {
      bot: 'bot-answers',
      agent: 'agent-accepts-stays',
    });
    assert.deepEqual(outcomes(transfers), [['caller_gone', [200]]]);
  });

  it("the caller sees the headers of the bot's 180 and 200 that the project carries, and no identity on an untrusted trunk", async () => {
    const transfers = await play('1112', 'caller-sees-answer-headers', { bot: 'bot-answers-with-headers' });
    assert.deepEqual(transfers, []);
  });

  it('a number with an extension is dialled on after the answer, before the caller is joined', async () => {
    const transfers = await play('1107', 'caller-presses-zero-stays', {
      bot: 'bot-answers',
      agent: 'agent-rings-answers',
    });
    assert.deepEqual(outcomes(transfers), [['completed', [200]]]);
    assert.deepEqual(
      transfers[0]?.steps.map((step) => step.progress).filter((one) => one !== 'ringing'),
      ['answered', 'dialled', 'accepted', 'connected'],
    );
  });

  it('the bot finishes its sentence and says done: only then the agent is called', async () => {
    const [transfer] = await play('1108', 'caller-basic-long', {
      bot: 'bot-finishes-sentence',
      agent: 'agent-rings-answers',
    });
    assert.equal(transfer?.result?.outcome, 'completed');
    const waitedMs = transfer.result.attempts[0]!.startedAt - transfer.startedAt;
    assert.ok(waitedMs >= 600 && waitedMs < 5_000, `the agent was called after ${waitedMs} ms`);
  });

  it('302 to an allowed number is followed, and each place is an attempt', async () => {
    const transfers = await play(
      '1102',
      'caller-presses-zero-stays',
      { bot: 'bot-answers', agent: 'agent-moved', colleague: 'agent-rings-answers' },
      ['-key', 'moved', '202'],
    );
    assert.deepEqual(outcomes(transfers), [['completed', [302, 200]]]);
    assert.deepEqual(
      transfers[0]?.result?.attempts.map((one) => one.destination),
      ['agent', 'colleague'],
    );
  });

  it('302 to a place that the project does not allow is refused: the bot resumes', async () => {
    const transfers = await play(
      '1102',
      'caller-presses-zero-stays',
      { bot: 'bot-answers', agent: 'agent-moved' },
      ['-key', 'moved', '+19005551234'],
    );
    assert.deepEqual(outcomes(transfers), [['not_allowed', [302]]]);
  });

  it('a simultaneous group: the first answer has the caller, the other phone gets CANCEL', async () => {
    const transfers = await play('1109', 'caller-presses-zero-stays', {
      bot: 'bot-answers',
      agent: 'agent-rings-cancelled',
      colleague: 'agent-rings-answers',
    });
    assert.equal(transfers[0]?.result?.outcome, 'completed');
    assert.equal(transfers[0].result.attempts.length, 2);
  });
});
