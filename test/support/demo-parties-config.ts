import { freePort } from './free-ports.js';

export interface DemoPartiesConfig {
  readonly botUri: string;
  readonly agentUri: string;
  readonly workers: number;
  /** Where RELEVO_TEST_LOG says nothing. */
  readonly log: 'error' | 'silent';
  /** The lines below `projects`, for calls to 1201 by the trunk `carrier`; `bot` and `desk-201` are there. */
  readonly projects: string;
}

/** The configuration of a node between the demonstration's caller, voicebot and agent. */
export async function demoPartiesConfig(parties: DemoPartiesConfig): Promise<string> {
  const { botUri, agentUri, workers, log, projects } = parties;
  const rtp = await freePort(33_200, 33_900);
  return `
listen:
  - { transport: udp, address: 127.0.0.1, port: 0 }
  - { transport: tcp, address: 127.0.0.1, port: 0 }
media: { address: 127.0.0.1, ports: ${rtp}-${rtp + 99}, workers: ${workers} }
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? log} }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8] }
  desk: { hosts: ["${agentUri}"] }
bots: { bot: { kind: sip, uri: "${botUri}" } }
destinations: { desk-201: { type: extension, extension: agent, trunk: desk } }
projects:${projects}`;
}
