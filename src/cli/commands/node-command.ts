import type { Command } from 'commander';
import { NodeClient } from '../node-client.js';

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Options of every command that speaks to a node. */
export interface NodeOptions {
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** Gives a command the options that every command toward a node has. */
export function nodeCommand(command: Command): Command {
  return command
    .option('--url <url>', `the node's API (or RELEVO_URL; ${DEFAULT_URL} by default)`)
    .option('--token <token>', 'bearer token (or RELEVO_TOKEN)')
    .option('--json', "print the node's answer as JSON");
}

export function clientFor(
  options: NodeOptions,
  env: Readonly<Record<string, string | undefined>>,
): NodeClient {
  return new NodeClient(options.url ?? env.RELEVO_URL ?? DEFAULT_URL, options.token ?? env.RELEVO_TOKEN);
}
