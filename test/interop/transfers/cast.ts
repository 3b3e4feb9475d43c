import assert from 'node:assert/strict';
import { busy } from '../../../src/demo/call-policy.js';
import type { CallView } from '../../../src/observe/call-view.js';
import type { TransferResult } from '../../../src/call/vocabulary.js';
import { freePort } from '../../support/free-ports.js';
import { startKamailio, type KamailioOptions } from '../../support/kamailio.js';
import { startNodeUnderTest, type NodePorts, type NodeUnderTest } from '../../support/node-under-test.js';
import { startSipJs, type SipJsPhone } from '../../support/sipjs-phone.js';
import { available, hears, startBaresip, startLinphone } from '../../support/softphone.js';
import type { Softphone, StartPhone } from '../../support/softphone.js';

/** Called numbers of the node of these tests, one project each. */
export const TRANSFERS = {
  bridged: '2001',
  refer: '2002',
  attended: '2003',
  attendedReplaces: '2004',
  attendedRefer: '2005',
  /** The bot's REFER is passed on to the caller's side. */
  botPasses: '2006',
  /** A REFER of the caller's side is passed on to the person. */
  callerPasses: '2007',
  /** The colleague in the place of the bot: a phone calls them through the node. */
  colleague: '2008',
} as const;

/** What each party sends. */
export const TONES = { caller: 440, bot: 700, agent: 1000, colleague: 1300 } as const;

type Role = keyof typeof TONES;

/** How long a phone may take to hear somebody: the machine may be busy. */
const HEAR_MS = 15_000;

function configText({ sip, bot, agent, second, rtp }: NodePorts, sbc: number | null): string {
  const common =
    'waiting: music, allow: [{ to: "sip:*@*", trunk: team }], timers: { refer_reply: 5s, first_notify: 5s, total: 30s, bye_grace: 1s }';
  const project = (number: string, transfer: string, others = 'trunk: carrier, bot: bot'): string => {
    const [trunk, name] = others.split(', ').map((one) => one.split(': ')[1]);
    return `
  p${number}:
    match: [{ trunk: ${trunk}, to: "${number}" }]
    bot: ${name}
    transfer: { to: agent, ${transfer}, ${common} }`;
  };
  return `
listen:
  - { transport: udp, address: 127.0.0.1, port: ${sip} }
  - { transport: tcp, address: 127.0.0.1, port: ${sip} }
media: { address: 127.0.0.1, ports: ${rtp}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
trunks:
  carrier: { allow: [127.0.0.0/8], accept_replaces: true }
  passing: { allow: [127.0.0.0/8], refer_policy: pass }
  desk: { hosts: ["sip:127.0.0.1:${sbc ?? agent}"], accept_replaces: true }
  team: { hosts: ["sip:127.0.0.1:${sbc ?? second}"] }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${bot}" }
  passing: { kind: sip, uri: "sip:bot@127.0.0.1:${bot}", refer_policy: pass }
  colleague: { kind: sip, uri: "sip:202@127.0.0.1:${second}" }
destinations:
  agent: { type: extension, extension: "201", trunk: desk, ring_timeout: 10s }
  colleague: { type: extension, extension: "202", trunk: team, ring_timeout: 10s }
projects:${[
    project(TRANSFERS.bridged, 'method: invite'),
    project(TRANSFERS.refer, 'method: refer'),
    project(TRANSFERS.attended, 'mode: attended, method: invite'),
    project(TRANSFERS.attendedReplaces, 'mode: attended, method: replaces'),
    project(TRANSFERS.attendedRefer, 'mode: attended, method: refer'),
    project(TRANSFERS.botPasses, 'method: invite', 'trunk: carrier, bot: passing'),
    project(TRANSFERS.callerPasses, 'method: invite', 'trunk: passing, bot: bot'),
    project(TRANSFERS.colleague, 'method: invite', 'trunk: carrier, bot: colleague'),
  ].join('')}
`;
}

/** The phones under test, by name; those that are not installed are skipped with a word. */
export const PHONES: readonly (readonly [Softphone['name'], StartPhone])[] = [
  ['baresip', startBaresip],
  ['linphone', startLinphone],
  ['sip.js', startSipJs],
];

/** Skips where the phone of this row is not installed, or cannot do this; the reason is printed. */
export function skipWithout(test: Mocha.Context, phone: Softphone['name'], cannot?: string): void {
  const program = { baresip: 'baresip', linphone: 'linphonec', 'sip.js': 'node' }[phone];
  const reason = available(program) ? cannot : `${program} is not installed`;
  if (reason === undefined) return;
  process.stdout.write(`      skipped: ${reason}\n`);
  test.skip();
}

/** A node and four phones around it: sip.js, but for those that a test brings. */
export class Cast {
  readonly #open: { close(): Promise<void> }[] = [];
  #node: NodeUnderTest | null = null;
  #target = '';
  readonly #phones = new Map<Role, Softphone>();

  /** Starts everybody; `sbc` puts kamailio between the node and all but the bot. */
  async start(
    phones: Partial<Record<Role, StartPhone>>,
    sbc?: Pick<KamailioOptions, 'maskCallId'>,
  ): Promise<void> {
    for (const role of ['bot', 'agent', 'colleague', 'caller'] as const) {
      const user = { bot: 'bot', agent: '201', colleague: '202', caller: 'caller' }[role];
      const start = phones[role] ?? startSipJs;
      const phone = await start({ toneHz: TONES[role], user, autoAnswer: role !== 'caller' });
      this.#open.push(phone);
      this.#phones.set(role, phone);
    }
    const [sipPort, sbcPort] = [await freePort(), sbc ? await freePort() : null];
    this.#node = await startNodeUnderTest({
      sipPort,
      botPort: this.bot.port,
      agentPort: this.agent.port,
      secondAgentPort: this.colleague.port,
      config: (ports) => configText(ports, sbcPort),
    });
    this.#open.push(this.#node);
    this.#target = this.#node.target;
    if (sbcPort === null) return;
    const extensions = { 201: this.agent.port, 202: this.colleague.port };
    this.#open.push(await startKamailio(sbcPort, sipPort, { ...sbc, extensions }));
    this.#target = `127.0.0.1:${sbcPort}`;
  }

  async close(): Promise<void> {
    const results = await Promise.allSettled(
      this.#open
        .splice(0)
        .reverse()
        .map((one) => one.close()),
    );
    this.#phones.clear();
    const failed = results.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  get node(): NodeUnderTest {
    assert.ok(this.#node);
    return this.#node;
  }
  /** Where the node, or the SBC in front of it, takes calls. */
  get target(): string {
    return this.#target;
  }
  get caller(): Softphone {
    return this.#phone('caller');
  }
  get bot(): Softphone {
    return this.#phone('bot');
  }
  get agent(): Softphone {
    return this.#phone('agent');
  }
  get colleague(): Softphone {
    return this.#phone('colleague');
  }

  /** The caller calls, and talks to the bot. */
  async callsTheBot(number: string): Promise<CallView> {
    await this.caller.dial(`sip:${number}@${this.target}`);
    const call = await this.node.newestCall((one) => one.state === 'with_bot', 20_000);
    await this.talk('caller', 'bot');
    return call;
  }

  /** The caller calls, talks to the bot, and is handed over to the person. */
  async callsThePerson(number: string): Promise<CallView> {
    const { callId } = await this.callsTheBot(number);
    await this.ask(callId);
    await this.talk('caller', 'agent');
    return this.node.newestCall((one) => one.state === 'with_agent');
  }

  /** Asks for the hand-over that the project has. */
  async ask(callId: string): Promise<void> {
    const response = await this.node.api(`/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'operator' }),
    });
    assert.equal(response.status, 202, await response.text());
  }

  /** These two hear each other from now on. */
  async talk(one: Role, other: Role): Promise<void> {
    const [a, b] = [this.#phone(one), this.#phone(other)];
    const before = [a.heardMs(TONES[other]), b.heardMs(TONES[one])];
    await Promise.all([hears(a, TONES[other], HEAR_MS, before[0]), hears(b, TONES[one], HEAR_MS, before[1])]);
  }

  /** This one, on sip.js, takes no more calls. */
  isBusy(role: Role): void {
    const phone = this.#phone(role);
    assert.ok('agent' in phone);
    (phone as SipJsPhone).agent.answer = busy;
  }

  /** Nobody of the first heard anything of the second. */
  apart(one: Role, other: Role): void {
    assert.equal(this.#phone(one).heardMs(TONES[other]), 0, `the ${one} never heard the ${other}`);
  }

  /** The result of the last transfer of the newest call, once there are so many. */
  async result(count = 1): Promise<TransferResult> {
    const call = await this.node.newestCall(
      ({ transfers }) => transfers.length >= count && transfers.every((one) => one.result !== null),
      20_000,
    );
    const { result } = call.transfers.at(-1)!;
    assert.ok(result);
    return result;
  }

  /** The outcomes of all transfers of the oldest call, once there are so many and none is under way. */
  async outcomes(count: number): Promise<readonly string[]> {
    const until = Date.now() + 20_000;
    for (;;) {
      const answer = await this.node.api('/v1/calls?limit=50');
      const { calls } = (await answer.json()) as { calls: CallView[] };
      const oldest = calls.sort((a, b) => a.startedAt - b.startedAt)[0];
      const outcomes = oldest?.transfers.flatMap(({ result }) => (result ? [result.outcome] : [])) ?? [];
      if (outcomes.length >= count) return outcomes;
      assert.ok(Date.now() < until, `no ${count} outcomes: ${JSON.stringify(oldest?.transfers, null, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** The newest call has ended at the node. */
  ended(): Promise<CallView> {
    return this.node.newestCall((one) => one.endedAt !== null, 20_000);
  }

  /** Somebody hangs up, and the call ends everywhere. */
  async hangsUp(role: Role): Promise<void> {
    await this.#phone(role).hangUp();
    await this.ended();
  }

  #phone(role: Role): Softphone {
    const phone = this.#phones.get(role);
    assert.ok(phone, `no ${role}`);
    return phone;
  }
}

/** What matters in a result: mode, method, outcome, and each attempt's way, destination (a URI by `name`) and status. */
export function summary({ mode, method, outcome, attempts }: TransferResult, name?: string): unknown {
  const called = (destination: string): string =>
    destination.startsWith('sip:') ? (name ?? destination) : destination;
  return [
    `${mode} ${method} ${outcome}`,
    ...attempts.map((one) => `${one.method} ${called(one.destination)} ${String(one.sipStatus)}`),
  ];
}
