import { loadConfig } from '../../src/config/load-config.js';
import { tone } from '../../src/demo/audio/audio-source.js';
import { DemoUserAgent, type DemoUserAgentOptions } from '../../src/demo/user-agent.js';
import { startNode, type RelevoNode } from '../../src/main.js';
import type { CallView } from '../../src/observe/call-view.js';
import { checkExpression } from '../../src/policy/rules/expression.js';
import { freePort } from './free-ports.js';

/** What each of them plays. */
export const CALLER_HZ = 440;
export const PHONE_HZ = 600;
export const FIRST_HZ = 800;
export const SECOND_HZ = 1100;

/** Two bots with no codec in common; number 1 reaches the first, 2 the second, 3 the first with an accept gate. */
const config = (ports: { sip: number; rtp: number; first: string; second: string; desk: number }): string => `
listen:
  - { transport: tcp, address: 127.0.0.1, port: ${ports.sip} }
  - { transport: udp, address: 127.0.0.1, port: ${ports.sip} }
media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}-${ports.rtp + 199}, workers: 2 }
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
trunks:
  phones:
    hosts: ["sip:127.0.0.1:${ports.desk};transport=tcp"]
    allow: [127.0.0.0/8]
    accept_replaces: true
    accept_refer_out_of_dialog: true
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
  gate:
    match: [{ trunk: phones, to: "3" }]
    bot: first
    transfer: { to: desk, mode: attended, method: invite, accept: { digit: "1", timeout: 20s } }
`;

/** A node with two workers, two bots and the phone at the desk, all of them sip.js with real RTP. */
export class PhonesNode {
  readonly first: DemoUserAgent;
  readonly second: DemoUserAgent;
  readonly phone: DemoUserAgent;
  /** What the phone at the desk has sent and got. */
  readonly wire: string[];
  readonly sipPort: number;
  readonly #node: RelevoNode;
  readonly #open: { close(): unknown }[];

  private constructor(parts: {
    open: { close(): unknown }[];
    node: RelevoNode;
    sipPort: number;
    wire: string[];
    agents: readonly [DemoUserAgent, DemoUserAgent, DemoUserAgent];
  }) {
    this.#open = parts.open;
    this.#node = parts.node;
    this.sipPort = parts.sipPort;
    this.wire = parts.wire;
    [this.first, this.second, this.phone] = parts.agents;
  }

  static async start(): Promise<PhonesNode> {
    const wire: string[] = [];
    const agents = [
      await agent({ name: 'first', codecs: ['PCMA'] }, FIRST_HZ),
      await agent({ name: 'second', codecs: ['PCMU'] }, SECOND_HZ),
      await agent({ name: '201', onWire: ({ text }) => wire.push(text) }, PHONE_HZ),
    ] as const;
    const [first, second, phone] = agents;
    const sipPort = await freePort();
    const ports = { sip: sipPort, rtp: await freePort(40_000, 59_000), desk: phone.port };
    const text = config({ ...ports, first: first.uri, second: second.uri });
    const loaded = loadConfig({ text, path: 'phones.yaml' }, { env: process.env, checkExpression });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
    const node = await startNode(loaded.config);
    return new PhonesNode({ open: [...agents, node], node, sipPort, wire, agents });
  }

  get target(): string {
    return `127.0.0.1:${this.sipPort};transport=tcp`;
  }

  /** One more phone; it is closed with the node. */
  async another(
    name: string,
    hz: number,
    options: Partial<DemoUserAgentOptions> = {},
  ): Promise<DemoUserAgent> {
    const made = await agent({ name, ...options }, hz);
    this.#open.push(made);
    return made;
  }

  /** The calls, oldest first, once `ready` holds for them. */
  async calls(ready: (views: CallView[]) => boolean): Promise<CallView[]> {
    const until = Date.now() + 20_000;
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${this.#node.apiAddress.port}/v1/calls?limit=50`);
      const { calls } = (await answer.json()) as { calls: CallView[] };
      calls.sort((a, b) => a.startedAt - b.startedAt);
      if (ready(calls)) return calls;
      if (Date.now() > until) throw new Error(JSON.stringify(calls, null, 1));
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** The SIP messages of a call, as `relevo ladder` draws them. */
  async ladder(callId: string): Promise<string> {
    const url = `http://127.0.0.1:${this.#node.apiAddress.port}/v1/calls/${callId}/ladder`;
    return (await fetch(url, { headers: { accept: 'text/plain' } })).text();
  }

  /** Has an operator hand the oldest call over. */
  async handOver(): Promise<void> {
    const [{ callId } = { callId: '' }] = await this.calls((views) => views[0]?.state === 'with_bot');
    await fetch(`http://127.0.0.1:${this.#node.apiAddress.port}/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'operator' }),
    });
  }

  /** The dialog of the first 180 with this Call-ID that the phone sent or got: its Call-ID and its two tags. */
  early(sipCallId: string): { sipCallId: string; from: string; to: string } {
    const ringing =
      this.wire.find((text) => text.startsWith('SIP/2.0 180') && text.includes(sipCallId)) ?? '';
    const tag = (name: string): string =>
      new RegExp(`^${name}:.*;tag=([^;\\s]+)`, 'im').exec(ringing)?.[1] ?? '';
    return { sipCallId, from: tag('From'), to: tag('To') };
  }

  async close(): Promise<void> {
    for (const one of this.#open.splice(0).reverse()) await one.close();
  }
}

function agent(options: DemoUserAgentOptions, hz: number): Promise<DemoUserAgent> {
  return DemoUserAgent.start({ ...options, source: () => tone(hz) });
}
