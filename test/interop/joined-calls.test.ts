import assert from 'node:assert/strict';
import { loadConfig } from '../../src/config/load-config.js';
import { tone } from '../../src/demo/audio/audio-source.js';
import type { DemoCall } from '../../src/demo/demo-call.js';
import { DemoUserAgent, type DemoUserAgentOptions } from '../../src/demo/user-agent.js';
import { startNode, type RelevoNode } from '../../src/main.js';
import type { CallView } from '../../src/observe/call-view.js';
import { checkExpression } from '../../src/policy/rules/expression.js';
import { freePort } from '../support/free-ports.js';

const CALLER_HZ = 440;
const PHONE_HZ = 600;
const FIRST_HZ = 800;
const SECOND_HZ = 1100;
const HEAR_MS = 10_000;

/** Two bots with no codec in common, in calls on two media workers. */
const config = (ports: { sip: number; rtp: number; first: string; second: string; desk: number }): string => `
listen: [{ transport: tcp, address: 127.0.0.1, port: ${ports.sip} }]
media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}-${ports.rtp + 199}, workers: 2 }
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
trunks:
  phones: { hosts: ["sip:127.0.0.1:${ports.desk};transport=tcp"], allow: [127.0.0.0/8], accept_replaces: true }
  alaw: { codecs: [PCMA] }
  ulaw: { codecs: [PCMU] }
bots:
  first: { kind: sip, uri: "${ports.first}", trunk: alaw }
  second: { kind: sip, uri: "${ports.second}", trunk: ulaw }
destinations:
  desk: { type: extension, extension: "201", trunk: phones, ring_timeout: 20s }
projects:
  one: { match: [{ trunk: phones, to: "1" }], bot: first, transfer: { to: desk, method: invite } }
  two: { match: [{ trunk: phones, to: "2" }], bot: second, transfer: { to: desk, method: invite } }
`;

describe('Interop: a phone with two calls on this node joins them (sip.js)', function () {
  this.timeout(60_000);
  const open: { close(): unknown }[] = [];
  const wire: string[] = [];
  let node: RelevoNode;
  let target: string;
  let first: DemoUserAgent;
  let second: DemoUserAgent;
  let phone: DemoUserAgent;

  const party = async (options: DemoUserAgentOptions, hz: number): Promise<DemoUserAgent> => {
    const agent = await DemoUserAgent.start({ ...options, source: () => tone(hz) });
    open.push(agent);
    return agent;
  };

  beforeEach(async () => {
    first = await party({ name: 'first', codecs: ['PCMA'] }, FIRST_HZ);
    second = await party({ name: 'second', codecs: ['PCMU'] }, SECOND_HZ);
    wire.length = 0;
    phone = await party({ name: '201', onWire: ({ text }) => wire.push(text) }, PHONE_HZ);
    const ports = { sip: await freePort(), rtp: await freePort(40_000, 59_000), desk: phone.port };
    const text = config({ ...ports, first: first.uri, second: second.uri });
    const loaded = loadConfig({ text, path: 'joined.yaml' }, { env: process.env, checkExpression });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
    node = await startNode(loaded.config);
    open.push(node);
    target = `127.0.0.1:${ports.sip};transport=tcp`;
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const calls = async (): Promise<CallView[]> => {
    const answer = await fetch(`http://127.0.0.1:${node.apiAddress.port}/v1/calls?limit=50`);
    return ((await answer.json()) as { calls: CallView[] }).calls.sort((a, b) => a.startedAt - b.startedAt);
  };
  const once = async (ready: (views: CallView[]) => boolean): Promise<CallView[]> => {
    const until = Date.now() + 15_000;
    for (;;) {
      const views = await calls();
      if (ready(views)) return views;
      if (Date.now() > until) throw new Error(JSON.stringify(views, null, 1));
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const hear = async (call: DemoCall | undefined, hz: number): Promise<void> => {
    assert.ok(call);
    await call.hearing.hears(hz, { withinMs: HEAR_MS });
  };
  /** sip.js names only answered dialogs: this one is read off the 180. */
  const earlyDialog = (sipCallId: string): string => {
    const ringing = wire.find((text) => text.startsWith('SIP/2.0 180') && text.includes(sipCallId)) ?? '';
    const tag = (name: string): string => new RegExp(`^${name}:.*;tag=([^;\\s]+)`, 'im').exec(ringing)?.[1] ?? '';
    return `${sipCallId};to-tag=${tag('To')};from-tag=${tag('From')}`;
  };
  const joinedWith = (view: CallView | undefined): unknown =>
    view?.notes.find((note) => note.name === 'call_joined')?.detail['call'];

  it('the two others hear each other, though no codec and no worker is common; both calls tell of it', async () => {
    const one = phone.call(`sip:1@${target}`);
    await one.answered;
    const two = phone.call(`sip:2@${target}`);
    await two.answered;
    const refer = await one.refer(two);
    assert.equal(refer.status, 202);
    assert.deepEqual(await refer.outcome, { by: 'notify', status: 200 });
    await Promise.all([one.ended, two.ended]);
    await Promise.all([hear(first.calls[0], SECOND_HZ), hear(second.calls[0], FIRST_HZ)]);
    await second.calls[0]?.hangUp();
    await first.calls[0]?.ended;
    const [a, b] = await once((views) => views.length === 2 && views.every((view) => view.endedAt !== null));
    assert.equal(joinedWith(a), b?.callId);
    assert.equal(joinedWith(b), a?.callId);
    assert.deepEqual(
      a?.transfers.map(({ result }) => [result?.outcome, result?.method, result?.attempts.length]),
      [['completed', 'replaces', 1]],
    );
    assert.deepEqual(b?.transfers, []);
    assert.equal(b?.endedBy, 'bot');
  });

  it('a person who was handed a caller hands it on to a consultation of its own', async () => {
    const caller = await party({ name: 'caller' }, CALLER_HZ);
    const call = caller.call(`sip:1@${target}`);
    await call.answered;
    const [{ callId } = { callId: '' }] = await once((views) => views[0]?.state === 'with_bot');
    await fetch(`http://127.0.0.1:${node.apiAddress.port}/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'operator' }),
    });
    await hear(call, PHONE_HZ);
    const consultation = phone.call(`sip:2@${target}`);
    await consultation.answered;
    const refer = await phone.calls[0]!.refer(consultation);
    assert.equal(refer.status, 202);
    assert.deepEqual(await refer.outcome, { by: 'notify', status: 200 });
    await Promise.all([consultation.ended, phone.calls[0]!.ended]);
    await Promise.all([hear(call, SECOND_HZ), hear(second.calls[0], CALLER_HZ)]);
    await call.hangUp();
    await second.calls[0]?.ended;
    const views = await once((all) => all.length === 2 && all.every((view) => view.endedAt !== null));
    assert.deepEqual(
      views[0]?.transfers.map(({ result }) => result?.outcome),
      ['completed', 'completed'],
    );
  });

  it('hands over a call that still rings (early dialog), and hangs up at once', async () => {
    second.answer = { kind: 'answer', ring: true, afterMs: 600 };
    const one = phone.call(`sip:1@${target}`);
    await one.answered;
    const rings = second.nextCall(HEAR_MS);
    const two = phone.call(`sip:2@${target}`, { earlyMedia: true });
    await rings;
    while (!two.progress.includes(180)) await new Promise((resolve) => setTimeout(resolve, 10));
    const refer = await one.refer(`sip:2@${target}?Replaces=${encodeURIComponent(earlyDialog(two.sipCallId))}`);
    assert.equal(refer.status, 202);
    await one.hangUp();
    await Promise.all([hear(first.calls[0], SECOND_HZ), hear(second.calls[0], FIRST_HZ)]);
    assert.equal((await two.ended).status, 487);
    await first.calls[0]?.hangUp();
    await second.calls[0]?.ended;
    const [a] = await once((views) => views.length === 2 && views.every((view) => view.endedAt !== null));
    assert.equal(a?.transfers[0]?.result?.outcome, 'completed');
  });
});
