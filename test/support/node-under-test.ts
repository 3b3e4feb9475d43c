import { loadConfig } from '../../src/config/load-config.js';
import { startNode, type RelevoNode, type StartOptions } from '../../src/main.js';
import { checkExpression } from '../../src/policy/rules/expression.js';
import type { CallView } from '../../src/observe/call-view.js';
import { freePort } from './free-ports.js';

/** Called numbers of the node under test, one project each. */
export const NUMBERS = {
  basic: '1000',
  refer: '1001',
  auto: '1002',
  bridged: '1003',
  attended: '1004',
  attendedReplaces: '1005',
  attendedRefer: '1006',
  chain: '1007',
  botFailureToAgent: '1008',
  attendedReplacesOpen: '1009',
  attendedReferOpen: '1010',
} as const;

/** A whole node on loopback with room for a bot and two agents, and its API. */
export interface NodeUnderTest {
  readonly node: RelevoNode;
  readonly sipPort: number;
  readonly botPort: number;
  readonly agentPort: number;
  readonly secondAgentPort: number;
  readonly target: string;
  api(path: string, init?: RequestInit): Promise<Response>;
  /** The newest call, once `ready` holds for it. */
  newestCall(ready: (call: CallView) => boolean, withinMs?: number): Promise<CallView>;
  close(): Promise<void>;
}

/** What a test may change. `extra` is YAML appended to the trunk of the caller's side. */
export interface NodeUnderTestOptions {
  readonly botPort?: number;
  readonly agentPort?: number;
  readonly secondAgentPort?: number;
  readonly botUri?: string;
  readonly agentUser?: string;
  readonly sipPort?: number;
  readonly rtpPorts?: string;
  readonly limits?: string;
  /** Timers long enough for peers on a machine that is busy with other things. */
  readonly patient?: boolean;
  /** The media section instead of the usual one. */
  readonly media?: string;
  /** More listening points, one a line, as they stand in the file. */
  readonly listen?: readonly string[];
  /** Parameters of the URI at which agents are reached, such as `;transport=tls`. */
  readonly agentParameters?: string;
  /** The same for the second agent. */
  readonly secondAgentParameters?: string;
  /** More keys of the agents' trunk, such as `, tls: { verify: false }`. */
  readonly agentTrunk?: string;
  /** More keys of the callers' trunk, such as `, login: { users: … }`. */
  readonly carrierTrunk?: string;
  /** The number on which calls by the agents' trunk reach the bot. */
  readonly deskNumber?: string;
  /** Another way to start media workers. */
  readonly startMediaWorkers?: StartOptions['startMediaWorkers'];
  /** Another configuration in the place of the one that `NUMBERS` belong to. */
  readonly config?: (ports: NodePorts) => string;
}

/** The ports of a node under test and of those around it; `rtp` is a range. */
export interface NodePorts {
  readonly sip: number;
  readonly bot: number;
  readonly agent: number;
  readonly second: number;
  readonly rtp: string;
}

const RULES = `
    rules:
      - { name: pressed zero, dtmf: "0", reason: user_request }
      - { name: asks for a person, intent: [agent, human], reason: user_request }
      - { name: not understood, low_confidence: { below: 0.4, turns: 3 }, reason: low_confidence }`;

function project(name: string, number: string, transfer: string, more = ''): string {
  return `
  ${name}:
    match: [{ trunk: carrier, to: "${number}" }]
    bot: bot
    transfer: { ${transfer}, timers: { refer_reply: 2s, first_notify: 1500ms, total: 30s, bye_grace: 1s } }${RULES}${more}`;
}

async function portPair(): Promise<number> {
  return freePort(40_000, 59_000);
}

/** The configuration of the node under test. */
function configText(ports: NodePorts, options: NodeUnderTestOptions): string {
  const botUri = options.botUri ?? `sip:bot@127.0.0.1:${ports.bot}`;
  const user = options.agentUser ?? '201';
  return `
listen:
  - { transport: udp, address: 127.0.0.1, port: ${ports.sip} }
  - { transport: tcp, address: 127.0.0.1, port: ${ports.sip} }
${(options.listen ?? []).map((point) => `  - ${point}\n`).join('')}${options.media ?? `media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}, workers: 1 }`}
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
${options.limits ?? ''}
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8, "::1"], accept_replaces: true${options.carrierTrunk ?? ''} }
  desk: { hosts: ["sip:127.0.0.1:${ports.agent}${options.agentParameters ?? ''}"]${options.agentTrunk ?? ''} }
  second: { hosts: ["sip:127.0.0.1:${ports.second}${options.secondAgentParameters ?? ''}"] }
bots:
  bot: { kind: sip, uri: "${botUri}", answer_timeout: 8s }
destinations:
  agent: { type: extension, extension: "${user}", trunk: desk, ring_timeout: 2s }
  colleague: { type: extension, extension: "202", trunk: second, ring_timeout: 2s }
  both: { type: group, strategy: sequential, members: [agent, colleague] }
projects:${project('basic', NUMBERS.basic, 'to: agent, method: invite', '\n    listen: {}')}${project('refer', NUMBERS.refer, 'to: agent, method: refer')}${project('auto', NUMBERS.auto, 'to: agent, method: auto')}${project('bridged', NUMBERS.bridged, 'to: agent, method: invite, waiting: music')}${project('attended', NUMBERS.attended, 'to: agent, mode: attended, method: invite, waiting: music, accept: { digit: "1", timeout: 3s }')}${project('attended-replaces', NUMBERS.attendedReplaces, 'to: agent, mode: attended, method: replaces, waiting: music, accept: { digit: "1", timeout: 3s }')}${project('attended-refer', NUMBERS.attendedRefer, 'to: agent, mode: attended, method: refer, waiting: music, accept: { digit: "1", timeout: 3s }')}${project('replaces-open', NUMBERS.attendedReplacesOpen, 'to: agent, mode: attended, method: replaces, waiting: music')}${project('refer-open', NUMBERS.attendedReferOpen, 'to: agent, mode: attended, method: refer, waiting: music')}${project('chain', NUMBERS.chain, 'to: both, method: invite, waiting: ringback')}${project('bot-failure', NUMBERS.botFailureToAgent, 'to: agent, method: invite', '\n    bot_failure: { to: agent }')}
${options.deskNumber === undefined ? '' : `  registered: { match: [{ trunk: desk, to: "${options.deskNumber}" }], bot: bot }\n`}`;
}

function patient(text: string, wanted: boolean): string {
  if (!wanted) return text;
  return text
    .replaceAll('refer_reply: 2s, first_notify: 1500ms', 'refer_reply: 15s, first_notify: 6s')
    .replaceAll('ring_timeout: 2s', 'ring_timeout: 6s')
    .replaceAll('timeout: 3s', 'timeout: 6s');
}

/** Starts the node under test; every port is chosen free. */
export async function startNodeUnderTest(options: NodeUnderTestOptions = {}): Promise<NodeUnderTest> {
  const rtp = await portPair();
  const ports = {
    sip: options.sipPort ?? (await freePort()),
    bot: options.botPort ?? (await freePort()),
    agent: options.agentPort ?? (await freePort()),
    second: options.secondAgentPort ?? (await freePort()),
    rtp: options.rtpPorts ?? `${rtp}-${rtp + 399}`,
  };
  const loaded = loadConfig(
    {
      text: options.config?.(ports) ?? patient(configText(ports, options), options.patient === true),
      path: 'test.yaml',
    },
    { env: process.env, checkExpression },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  const node = await startNode(
    loaded.config,
    options.startMediaWorkers ? { startMediaWorkers: options.startMediaWorkers } : {},
  );
  const api = async (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${node.apiAddress.port}${path}`, init);
  return {
    node,
    sipPort: ports.sip,
    botPort: ports.bot,
    agentPort: ports.agent,
    secondAgentPort: ports.second,
    target: `127.0.0.1:${ports.sip}`,
    api,
    newestCall: async (ready, withinMs = 10_000) => {
      const until = Date.now() + withinMs;
      for (;;) {
        const body = (await (await api('/v1/calls?limit=1')).json()) as { calls: CallView[] };
        const call = body.calls[0];
        if (call && ready(call)) return call;
        if (Date.now() > until)
          throw new Error(`no such call within ${withinMs} ms: ${JSON.stringify(call, null, 1)}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    close: () => node.close(),
  };
}
