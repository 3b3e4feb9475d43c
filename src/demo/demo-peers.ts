import { Agent } from './agent.js';
import { busy } from './call-policy.js';
import { Voicebot } from './voicebot.js';

export interface DemoPeersOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** Port of the voicebot (TCP and UDP); 0, the default, takes a free one. */
  readonly botPort?: number;
  /** Port of the agent who answers; 0 takes a free one. */
  readonly agentPort?: number;
  /** Port of the agent who is always busy; 0 takes a free one. */
  readonly busyAgentPort?: number;
  /** How long the answering agent rings; 1500 ms by default. */
  readonly agentRingMs?: number;
  /** The destination that the bot refers to on digit 1: a name of the configuration, or a SIP URI. */
  readonly person?: string;
}

/** The peers of a node started without a configuration. */
export interface DemoPeers {
  readonly botUri: string;
  /** The first agent answers, the second is always busy. */
  readonly agentUris: readonly [answers: string, busy: string];
  readonly voicebot: Voicebot;
  readonly agents: readonly [answers: Agent, busy: Agent];
  /** Ends their calls and frees their ports. Idempotent. */
  close(): Promise<void>;
}

/** Starts a voicebot and two agents for a person with a softphone to talk to. Rejects where a port is taken. */
export async function startDemoPeers(options: DemoPeersOptions = {}): Promise<DemoPeers> {
  const host = options.host ?? '127.0.0.1';
  const started: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map((peer) => peer.close()));
  };
  try {
    const voicebot = await Voicebot.start({
      host,
      port: options.botPort ?? 0,
      ...(options.person === undefined ? {} : { person: options.person }),
    });
    started.push(voicebot);
    const answering = await Agent.start({
      host,
      name: 'agent',
      port: options.agentPort ?? 0,
      answer: { kind: 'answer', afterMs: options.agentRingMs ?? 1500 },
    });
    started.push(answering);
    const occupied = await Agent.start({
      host,
      name: 'busy-agent',
      port: options.busyAgentPort ?? 0,
      answer: busy,
    });
    started.push(occupied);
    return {
      botUri: voicebot.uri,
      agentUris: [answering.uri, occupied.uri],
      voicebot,
      agents: [answering, occupied],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
