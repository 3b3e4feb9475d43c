import assert from 'node:assert/strict';
import { headerOf } from '../../../bench/peer/sip-text.js';
import type { TransferOutcome, TransferResult } from '../../../src/call/vocabulary.js';
import type { CallView, TransferView } from '../../../src/observe/call-view.js';
import { startNodeUnderTest, type NodePorts, type NodeUnderTest } from '../../support/node-under-test.js';
import { LightCast, type Manners } from './support/light-cast.js';
import { counted, eventually, Listeners } from './support/told.js';

const BLIND = '1000';
const REFER = '1001';
const RULED = '1002';
const FALLBACK = '1003';

function config(ports: NodePorts, observe: string): string {
  const timers = 'timers: { refer_reply: 5s, first_notify: 5s, total: 30s, bye_grace: 1s }';
  return `
listen: [{ transport: udp, address: 127.0.0.1, port: ${ports.sip} }]
media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: error }
${observe}
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8] }
  desk: { hosts: ["sip:127.0.0.1:${ports.agent}"] }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${ports.bot}" }
destinations:
  agent: { type: extension, extension: "201", trunk: desk, ring_timeout: 1s }
projects:
  blind:
    match: [{ trunk: carrier, to: "${BLIND}" }]
    bot: bot
    transfer: { to: agent, method: invite, ${timers} }
    rules: [{ name: pressed zero, dtmf: "0", reason: user_request }]
  refer:
    match: [{ trunk: carrier, to: "${REFER}" }]
    bot: bot
    transfer: { to: agent, method: refer, ${timers} }
    rules: [{ name: pressed zero, dtmf: "0", reason: user_request }]
  ruled:
    match: [{ trunk: carrier, to: "${RULED}" }]
    bot: bot
    transfer: { to: agent, method: invite, ${timers} }
    rules:
      - { name: pressed zero, dtmf: "0", reason: user_request }
      - { name: asks for a person, intent: [agent, human], reason: user_request }
      - { name: not sure, low_confidence: { below: 0.4, turns: 3 }, reason: low_confidence }
      - { name: not understood, no_match: 2, reason: low_confidence }
      - { name: nothing said, no_input: 2, reason: low_confidence }
      - { name: angry, when: "event.kind == 'custom' && event.name == 'angry'", reason: business_rule }
  fallback:
    match: [{ trunk: carrier, to: "${FALLBACK}" }]
    bot: bot
    bot_failure: { to: agent }
    transfer: { to: agent, method: invite, ${timers} }
`;
}

/** How the transfer is asked for. The bot asks by INFO or by REFER; else the caller presses 0. */
type By = 'INFO' | 'REFER' | 'digit';

interface Case extends Manners {
  readonly outcome: TransferOutcome;
  readonly number: string;
  readonly meanwhile?: 'cancel' | 'caller hangs up';
  /** The final status that a bot which asked by REFER is told. */
  readonly status: string;
  /** The bot is still there when the result is out. */
  readonly botStays: boolean;
}

const CASES: readonly Case[] = [
  { outcome: 'completed', number: BLIND, person: '200 OK', status: '200 OK', botStays: false },
  { outcome: 'busy', number: BLIND, person: '486 Busy Here', status: '486 Busy Here', botStays: true },
  {
    outcome: 'no_answer',
    number: BLIND,
    person: 'rings',
    status: '480 Temporarily Unavailable',
    botStays: true,
  },
  { outcome: 'declined', number: BLIND, person: '603 Decline', status: '603 Decline', botStays: true },
  {
    outcome: 'refer_rejected',
    number: REFER,
    refer: { answer: '405 Method Not Allowed' },
    status: '503 Service Unavailable',
    botStays: true,
  },
  {
    outcome: 'cancelled',
    number: BLIND,
    person: 'rings',
    meanwhile: 'cancel',
    status: '487 Request Terminated',
    botStays: true,
  },
  {
    outcome: 'caller_gone',
    number: BLIND,
    person: 'rings',
    meanwhile: 'caller hangs up',
    status: '487 Request Terminated',
    botStays: false,
  },
  { outcome: 'not_allowed', number: BLIND, status: '603', botStays: true },
];

describe('one result of a transfer, wherever it is told', function () {
  this.timeout(60_000);
  let node: NodeUnderTest;
  let cast: LightCast;
  let listeners: Listeners;
  const results: TransferResult[] = [];

  before(async () => {
    listeners = await Listeners.open();
    node = await startNodeUnderTest({ config: (ports) => config(ports, listeners.observe) });
    await listeners.read((path, init) => node.api(path, init));
    cast = await LightCast.open(node);
  });
  after(async () => {
    cast.close();
    await node.close();
    await listeners.close();
  });

  const callView = async (): Promise<CallView> =>
    (await (await node.api(`/v1/calls/${cast.callId}`)).json()) as CallView;

  /** The transfer of this call, as the API tells it, once it is there. */
  const transferView = async (state: TransferView['state']): Promise<TransferView> => {
    const transferId = await eventually('a transfer', async () => {
      const answer = await node.api(`/v1/calls/${cast.callId}`);
      // The API hears of a call a moment after the bot has.
      return answer.ok ? (((await answer.json()) as CallView).transfers[0]?.transferId ?? null) : null;
    });
    return eventually(`the transfer ${state}`, async () => {
      const answer = await node.api(`/v1/calls/${cast.callId}/transfers/${transferId}`);
      const view = (await answer.json()) as TransferView;
      return view.state === state ? view : null;
    });
  };

  /** Ends the call and holds every account of its one transfer against the result that the API tells. */
  const compareAll = async (): Promise<TransferResult> => {
    const view = await transferView('ended');
    const { result } = view;
    assert.ok(result);
    assert.equal((await callView()).transfers.length, 1);
    cast.caller.request(cast.callerCallId, 'BYE');
    const { callId } = cast;
    const inStream = await listeners.one(listeners.streamed, 'transfer.ended', callId);
    assert.deepEqual(inStream['result'], result, 'events');
    const inHook = await listeners.one(listeners.hooked, 'transfer.ended', callId);
    assert.deepEqual(inHook['transfer'], result, 'webhook');
    const atEnd = await listeners.one(listeners.hooked, 'call.ended', callId);
    assert.deepEqual((atEnd['call'] as { transfers: unknown }).transfers, [result], 'webhook of the call');
    assert.deepEqual((await listeners.cdr(callId)).transfers, [result], 'CDR');
    const ended = await callView();
    assert.deepEqual(ended.transfers[0]?.result, result, 'the ended call in the API');

    for (const told of [listeners.streamed, listeners.hooked]) {
      const started = await listeners.one(told, 'transfer.started', callId);
      for (const field of ['transferId', 'reason', 'rule', 'evidence', 'mode', 'method'] as const)
        assert.equal(started[field], result[field], `transfer.started says ${field}`);
    }
    for (const field of ['transferId', 'callId', 'reason', 'rule', 'evidence', 'mode', 'method'] as const)
      assert.equal(view[field], result[field], field);

    results.push(result);
    return result;
  };

  for (const by of ['INFO', 'REFER', 'digit'] as const) {
    for (const one of CASES.filter(({ outcome }) => by !== 'digit' || outcome !== 'not_allowed')) {
      it(`${one.outcome}, asked for by ${by}: API, events, webhook, CDR, metrics and the bot agree`, async () => {
        await cast.call(one.number, one);
        ask(by, one.outcome === 'not_allowed' ? '+1900555' : 'agent');
        if (one.meanwhile) await cast.until('agent', 'INVITE');
        if (one.meanwhile === 'caller hangs up') cast.caller.request(cast.callerCallId, 'BYE');
        else if (one.meanwhile === 'cancel') await cancel();
        if (by === 'INFO' && one.botStays) await cast.until('bot', 'INFO', 'transfer_result');
        const result = await compareAll();

        assert.equal(result.outcome, one.outcome);
        assert.equal(result.callId, cast.callId);
        assert.equal(result.humanConnectedAt === null, one.outcome !== 'completed');
        assert.equal(result.attempts.length, one.outcome === 'not_allowed' ? 0 : 1);
        assert.equal(result.gapMs === null, one.outcome === 'not_allowed');
        if (by === 'digit') assert.deepEqual([result.rule, result.evidence], ['pressed zero', 'digit 0']);
        if (by === 'INFO') toldByInfo(result, one.botStays);
        if (by === 'REFER') await toldByNotify(one);
      });
    }
  }

  function ask(by: By, to: string): void {
    if (by === 'digit') {
      cast.callerDigit('0');
    } else if (by === 'INFO') {
      cast.botEvent({ event: 'transfer', to, summary: 'wants to pay, "now"' });
    } else {
      const user = to === 'agent' ? '<sip:agent@127.0.0.1>' : `<sip:${to}@127.0.0.1>`;
      cast.botSays('REFER', [`Refer-To: ${user}`, 'Referred-By: <sip:bot@bots.example>']);
    }
  }

  async function cancel(): Promise<void> {
    const { transferId } = await transferView('running');
    const answer = await node.api(`/v1/calls/${cast.callId}/transfers/${transferId}`, { method: 'DELETE' });
    assert.ok(answer.status < 300, await answer.text());
  }

  /** A bot that is let go reads how it went in the Reason of its BYE. */
  function toldByInfo(result: TransferResult, botStays: boolean): void {
    assert.equal(result.summary, 'wants to pay, "now"');
    const infos = cast.asked.bot.filter((one) => one.method === 'INFO');
    if (botStays) {
      assert.equal(infos.length, 1, 'the bot is told once');
      const [head = '', body = ''] = infos[0]!.text.split('\r\n\r\n');
      assert.match(head, /\r\nContent-Type: application\/json/i);
      assert.deepEqual(JSON.parse(body), { event: 'transfer_result', ...result });
      return;
    }
    assert.deepEqual(infos, []);
    const bye = cast.asked.bot.find((one) => one.method === 'BYE');
    const reason = headerOf(bye?.text ?? '', 'Reason');
    assert.match(reason, result.outcome === 'completed' ? /cause=200;text="Call transferred"/ : /cause=487/);
  }

  async function toldByNotify({ outcome, status }: Case): Promise<void> {
    const notifies = cast.asked.bot.filter((one) => one.method === 'NOTIFY');
    if (outcome === 'not_allowed') {
      assert.deepEqual(notifies, [], 'the REFER itself was refused');
      return;
    }
    const last = await cast.until('bot', 'NOTIFY', 'terminated');
    assert.match(headerOf(last.text, 'Subscription-State'), /^terminated/);
    assert.equal(last.text.split('\r\n\r\n')[1], `SIP/2.0 ${status}\r\n`);
    assert.equal(notifies.filter((one) => one.text.includes('terminated')).length, 1, 'one last NOTIFY');
  }

  const turn = (confidence: number, intent: string | null = null): object => ({
    event: 'turn',
    intent,
    confidence,
    text: 'hm',
  });
  const byApi = async (body: object): Promise<void> => {
    // Rules look at events of a call that is answered: the caller's ACK may still be on its way.
    await eventually('the call with its bot', async () => {
      const answer = await node.api(`/v1/calls/${cast.callId}`);
      return answer.ok && ((await answer.json()) as CallView).state === 'with_bot' ? true : null;
    });
    const answer = await node.api(`/v1/calls/${cast.callId}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.ok(answer.status < 300, await answer.text());
  };
  interface Trigger {
    readonly name: string;
    readonly cause: () => void | Promise<void>;
    readonly rule: string | null;
    readonly evidence: string | null;
    readonly reason: TransferResult['reason'];
    readonly number?: string;
    readonly bot?: string;
  }
  const TRIGGERS: readonly Trigger[] = [
    {
      name: 'a digit',
      cause: () => cast.callerDigit('0'),
      rule: 'pressed zero',
      evidence: 'digit 0',
      reason: 'user_request',
    },
    {
      name: 'an intent',
      cause: () => cast.botEvent(turn(0.93, 'human')),
      rule: 'asks for a person',
      evidence: 'intent human with confidence 0.93',
      reason: 'user_request',
    },
    {
      name: 'an intent that the API was told',
      cause: () => byApi({ kind: 'turn', intent: 'agent', confidence: 0.8, text: null }),
      rule: 'asks for a person',
      evidence: 'intent agent with confidence 0.8',
      reason: 'user_request',
    },
    {
      name: 'three turns of low confidence',
      cause: () => {
        for (const confidence of [0.9, 0.31, 0.22, 0.39]) cast.botEvent(turn(confidence));
      },
      rule: 'not sure',
      evidence: 'turns 2, 3, 4 had confidence 0.31, 0.22, 0.39, below 0.4',
      reason: 'low_confidence',
    },
    {
      name: 'no match, twice',
      cause: () => {
        for (let time = 0; time < 2; time++) cast.botEvent({ event: 'no_match' });
      },
      rule: 'not understood',
      evidence: 'not understood 2 times in a row',
      reason: 'low_confidence',
    },
    {
      name: 'no input, twice',
      cause: () => {
        for (let time = 0; time < 2; time++) cast.botEvent({ event: 'no_input' });
      },
      rule: 'nothing said',
      evidence: 'nothing heard 2 times in a row',
      reason: 'low_confidence',
    },
    {
      name: 'an expression',
      cause: () => cast.botEvent({ event: 'angry' }),
      rule: 'angry',
      evidence: "true: event.kind == 'custom' && event.name == 'angry'",
      reason: 'business_rule',
    },
    {
      name: 'an operator',
      cause: async () => {
        const answer = await node.api(`/v1/calls/${cast.callId}/transfers`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        });
        assert.equal(answer.status, 202);
      },
      rule: null,
      evidence: null,
      reason: 'operator',
    },
    {
      name: 'a bot that fails',
      cause: () => cast.botSays('BYE', ['Reason: SIP;cause=503;text="model gone"']),
      rule: null,
      evidence: 'BYE',
      reason: 'bot_failure',
      number: FALLBACK,
    },
  ];
  for (const { name, cause, rule, evidence, reason, number = RULED } of TRIGGERS) {
    it(`asked for by ${name}: rule and evidence stand in every account`, async () => {
      await cast.call(number, {});
      await cause();
      const result = await compareAll();
      assert.equal(result.outcome, 'completed');
      assert.deepEqual(
        { rule: result.rule, evidence: result.evidence, reason: result.reason },
        { rule, evidence, reason },
      );
    });
  }

  it('the metrics count each of them once, with what its result says', async () => {
    const metrics = await eventually('every transfer in the metrics', async () => {
      const text = await (await node.api('/metrics')).text();
      return counted(text, 'relevo_transfers_total', {}) >= results.length ? text : null;
    });
    const expected = new Map<string, number>();
    for (const { outcome, reason, attempts, method } of results) {
      const labels = JSON.stringify({ outcome, method: attempts.at(-1)?.method ?? method, reason });
      expected.set(labels, (expected.get(labels) ?? 0) + 1);
    }
    for (const [labels, count] of expected)
      assert.equal(
        counted(metrics, 'relevo_transfers_total', JSON.parse(labels) as Record<string, string>),
        count,
        labels,
      );
    assert.equal(counted(metrics, 'relevo_transfers_total', {}), results.length, 'and no other');
    assert.equal(counted(metrics, 'relevo_transfer_duration_seconds_count', {}), results.length);
    const gaps = results.flatMap(({ gapMs }) => (gapMs === null ? [] : [gapMs]));
    assert.equal(counted(metrics, 'relevo_transfer_gap_seconds_count', {}), gaps.length);
    const seconds = gaps.reduce((sum, gapMs) => sum + gapMs / 1000, 0);
    const told = counted(metrics, 'relevo_transfer_gap_seconds_sum', {});
    assert.ok(Math.abs(told - seconds) < 0.001, `${told} s of gaps, ${seconds} s in the results`);
  });
});
