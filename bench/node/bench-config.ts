/** Ports of one node and of the peers around it, all on 127.0.0.1. */
export interface BenchPorts {
  readonly sip: number;
  readonly api: number;
  readonly caller: number;
  readonly bot: number;
  readonly agent: number;
  /** As written in the file: `44000-50999`. */
  readonly rtp: string;
}

/** The ports of a section: the benchmarks keep to SIP 19000 to 19499 and RTP 44000 to 57999. */
export function benchPorts(section: number): BenchPorts {
  const first = 19_000 + section * 20;
  return {
    sip: first,
    api: first + 1,
    caller: first + 2,
    bot: first + 3,
    agent: first + 4,
    rtp: '44000-57899',
  };
}

/** Called numbers of the node under load. */
export const BENCH_NUMBERS = { plain: '1000', refer: '1001', invite: '1002' } as const;

/** A node as a site would run it: two rules, a policy decision per call, records on disk. */
export function benchConfig(ports: BenchPorts, cdrFile: string): string {
  const project = (name: string, number: string, method: string): string => `
  ${name}:
    match: [{ trunk: carrier, to: "${number}" }]
    bot: bot
    transfer: { to: agent, mode: blind, method: ${method}, waiting: music, on_failure: [resume-bot] }
    rules:
      - { name: pressed zero, dtmf: "0", reason: user_request }
      - { name: asks for a person, intent: [agent, human], reason: user_request }`;
  return `listen:
  - { transport: udp, address: 127.0.0.1, port: ${ports.sip} }
media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}, workers: 1 }
api: { address: 127.0.0.1, port: ${ports.api} }
log: { level: warn }
observe: { cdr: { file: ${JSON.stringify(cdrFile)} } }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:${ports.caller}"], allow: [127.0.0.0/8] }
  desk: { hosts: ["sip:127.0.0.1:${ports.agent}"] }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${ports.bot}" }
destinations:
  agent: { type: extension, extension: "201", trunk: desk }
projects:${project('plain', BENCH_NUMBERS.plain, 'invite')}${project('refer', BENCH_NUMBERS.refer, 'refer')}${project('invite', BENCH_NUMBERS.invite, 'invite')}
`;
}
