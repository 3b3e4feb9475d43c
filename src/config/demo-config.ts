import type { TransferMethod, TransferMode } from '../call/vocabulary.js';

/** Addresses of a node that needs no file. All of it is on loopback. */
export interface BuiltInOptions {
  /** SIP port, UDP and TCP; 0 takes free ones. */
  readonly sipPort: number;
  /** API and console; 0 takes a free one. */
  readonly apiPort: number;
  /** `sip:demo-bot@127.0.0.1:5070` */
  readonly botUri: string;
  /** `sip:demo-agent@127.0.0.1:5080`: its host and port serve every destination. */
  readonly agentUri: string;
  /** RTP ports, such as `20000-20999` (default). */
  readonly mediaPorts?: string;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** A called number of the demonstration and how its calls are handed over. */
export interface DemoProject {
  readonly name: string;
  readonly number: string;
  readonly mode: TransferMode;
  readonly method: TransferMethod;
  readonly about: string;
}

/** The projects of the demonstration: one called number per way of handing a call over. */
export const DEMO_PROJECTS: readonly DemoProject[] = [
  {
    name: 'demo',
    number: '1000',
    mode: 'blind',
    method: 'auto',
    about: 'the method is chosen by what the peer can do',
  },
  {
    name: 'demo-blind-refer',
    number: '1001',
    mode: 'blind',
    method: 'refer',
    about: 'blind, by REFER (RFC 5589 6)',
  },
  {
    name: 'demo-blind-invite',
    number: '1002',
    mode: 'blind',
    method: 'invite',
    about: 'blind, by a bridged INVITE',
  },
  {
    name: 'demo-attended-bridge',
    number: '1003',
    mode: 'attended',
    method: 'invite',
    about: 'attended: the agent takes the call by pressing 1, then both are bridged',
  },
  {
    name: 'demo-attended-replaces',
    number: '1004',
    mode: 'attended',
    method: 'replaces',
    about: 'attended, by INVITE with Replaces (RFC 3891)',
  },
  {
    name: 'demo-attended-refer',
    number: '1005',
    mode: 'attended',
    method: 'refer',
    about: 'attended, by REFER with Replaces (RFC 5589 7)',
  },
];

/** The YAML that a node without a file runs on: `loadConfig` takes it as any other. */
export function builtInConfig(options: BuiltInOptions): string {
  const agentHost = options.agentUri.replace(/^sip:(?:[^@]*@)?/, 'sip:');
  return `# The built-in demonstration: everything on loopback. Copy it as a start for your own.
listen:
  - { transport: udp, address: 127.0.0.1, port: ${options.sipPort} }
  - { transport: tcp, address: 127.0.0.1, port: ${options.sipPort} }
media: { ports: ${options.mediaPorts ?? '20000-20999'}, workers: 1 }
api: { address: 127.0.0.1, port: ${options.apiPort} }
log: { level: ${options.logLevel ?? 'info'} }

trunks:
  loopback:                             # softphones and SIPp on this machine
    allow: [127.0.0.0/8]
    transfer: { method: auto }
  agents:                               # where the demonstration's agents answer
    hosts: [${JSON.stringify(agentHost)}]
    accept_replaces: true

bots:
  demo-bot: { kind: sip, uri: ${JSON.stringify(options.botUri)} }

destinations:
  demo-agent: { type: queue, address: ${JSON.stringify(options.agentUri)}, trunk: agents }
  demo-team: { type: group, strategy: sequential, members: [demo-agent] }

projects:
${DEMO_PROJECTS.map(projectYaml).join('\n')}`;
}

function projectYaml({ name, number, mode, method, about }: DemoProject): string {
  const accept =
    mode === 'attended' && method === 'invite' ? '\n      accept: { digit: "1", timeout: 15s }' : '';
  return `  ${name}:                # ${about}
    match: [{ trunk: loopback, to: "${number}" }]
    bot: demo-bot
    transfer:
      to: demo-agent
      mode: ${mode}
      method: ${method}
      waiting: music${accept}
      ring_timeout: 20s
      on_failure: [resume-bot]
      context: { headers: { X-Reason: "{reason}", X-Call-Id: "{callId}" } }
    listen: { allow: [{ to: "sip:*@127.0.0.1", trunk: agents }] }   # relevo listen CALL sip:you@127.0.0.1:5082
    rules:
      - { name: pressed zero, dtmf: "0", reason: user_request }
      - { name: asks for a person, intent: [agent, human], reason: user_request }
      - { name: not understood, low_confidence: { below: 0.4, turns: 3 }, reason: low_confidence }
`;
}
