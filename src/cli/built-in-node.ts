import { builtInConfig, DEMO_PROJECTS } from '../config/demo-config.js';
import type { LogLevel } from '../common/log.js';
import { startDemoPeers } from '../demo/demo-peers.js';
import { startNode, type RelevoNode } from '../main.js';
import type { CliIo } from './cli-io.js';
import { readConfig, valid } from './config-source.js';
import { packageVersion } from './package-info.js';
import { table } from './table.js';

export interface BuiltInNodeOptions {
  /** 0 takes a free port. */
  readonly sipPort: number;
  readonly apiPort: number;
  readonly logLevel: LogLevel;
  readonly drainMs: number;
}

/** A node with the built-in demonstration, its voicebot and its agents, all in this process and on loopback. */
export interface BuiltInNode {
  readonly node: RelevoNode;
  /** Ends the node, then its peers. Idempotent. */
  close(): Promise<void>;
}

/** @throws RelevoError where a port is taken; nothing is left running then. */
export async function startBuiltInNode(options: BuiltInNodeOptions, io: CliIo): Promise<BuiltInNode> {
  const peers = await startDemoPeers({ person: 'demo-agent' });
  try {
    const text = builtInConfig({
      sipPort: options.sipPort,
      apiPort: options.apiPort,
      botUri: peers.botUri,
      agentUri: peers.agentUris[0],
      logLevel: options.logLevel,
    });
    const { config } = valid(readConfig({ text, path: 'built-in' }, io), 'the built-in configuration', io);
    const node = await startNode(config, { drainMs: options.drainMs, version: packageVersion() });
    return {
      node,
      close: async () => {
        await node.close();
        await peers.close();
      },
    };
  } catch (error) {
    await peers.close();
    throw error;
  }
}

/** How to call the demonstration. */
export function howToCall(node: RelevoNode): string {
  const udp = node.sipListeners.find(({ transport }) => transport === 'udp') ?? node.sipListeners[0];
  const host = `${udp?.address ?? '127.0.0.1'}:${udp?.port ?? 5060}`;
  const url = node.apiAddress.url;
  const relevo = url.endsWith(':8080') ? 'bin/relevo' : `RELEVO_URL=${url} bin/relevo`;
  return `
Call a number with a softphone on this machine, such as sip:1000@${host}. No account is needed.
A voicebot answers. Press 0 for a person (a rule decides), or 1 (the bot sends REFER), 2 (the bot
reports the intent), 3 (the bot has not understood three times).

${table(
  ['NUMBER', 'HAND-OVER'],
  DEMO_PROJECTS.map(({ number, about }) => [number, about]),
)}
With SIPp:  sipp -sn uac -s 1000 -m 1 -d 5000 ${host}
Look:       ${relevo} calls      ${relevo} ladder CALL
Hand over:  ${relevo} transfer CALL --wait
End:        Ctrl-C
`;
}
