import type { Scenario } from './scenario.js';

export interface DemoPeerUris {
  readonly bot: string;
  /** Destination name to SIP URI. */
  readonly desks: Readonly<Record<'desk-1' | 'desk-2' | 'busy-1' | 'busy-2', string>>;
}

/** The YAML of the demonstration's node: free ports on loopback, one project per scenario. */
export function demoNodeConfig(
  peers: DemoPeerUris,
  scenarios: readonly Scenario[],
  mediaPorts: string,
): string {
  const desks = Object.entries(peers.desks);
  return `# The node of the demonstration.
listen:
  - { transport: udp, address: 127.0.0.1, port: 0 }
  - { transport: tcp, address: 127.0.0.1, port: 0 }
engine: { kind: embedded, control_port: 0 }
media: { address: 127.0.0.1, ports: ${mediaPorts}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: silent }
# A loaded machine may hold the policy thread up; a late decision would be no transfer at all.
policy: { deadline: 2s }
trunks:
  callers: { allow: [127.0.0.0/8], transfer: { method: auto } }
${desks.map(([name, uri]) => `  ${name}: { hosts: [${JSON.stringify(hostOf(uri))}] }`).join('\n')}
bots:
  bot: { kind: sip, uri: ${JSON.stringify(peers.bot)} }
destinations:
${desks.map(([name, uri]) => `  ${name}: { type: queue, address: ${JSON.stringify(uri)}, trunk: ${name} }`).join('\n')}
  team: { type: group, strategy: sequential, members: [busy-1, desk-2] }
  busy-team: { type: group, strategy: sequential, members: [busy-1, busy-2] }
projects:
${scenarios.map(projectOf).join('\n')}
`;
}

function hostOf(uri: string): string {
  return uri.replace(/^sip:[^@]*@/, 'sip:');
}

function projectOf(scenario: Scenario): string {
  const accept = scenario.gated ? '\n      accept: { digit: "1", timeout: 10s }' : '';
  return `  ${scenario.name}:
    match: [{ trunk: callers, to: "${scenario.number}" }]
    bot: bot
    transfer:
      to: ${scenario.to}
      mode: ${scenario.mode}
      method: ${scenario.method}
      waiting: music
      ring_timeout: 8s
      on_failure: [next, resume-bot]
      timers: { bye_grace: 300ms }${accept}
      context: { headers: { X-Reason: "{reason}" } }
    rules:
      - { name: pressed zero, dtmf: "0", reason: user_request }
      - { name: asks for a person, intent: [agent], reason: user_request }
      - { name: not understood, low_confidence: { below: 0.4, turns: 3 }, reason: low_confidence }`;
}
