import { Option, type Command } from 'commander';
import type { LogLevel } from '../../common/log.js';
import type { LoadedConfig } from '../../config/load-config.js';
import { startNode, type RelevoNode } from '../../main.js';
import type { CliIo } from '../cli-io.js';
import { howToCall, startBuiltInNode } from '../built-in-node.js';
import { readConfig, valid } from '../config-source.js';
import { CommandFailed, ExitCode } from '../exit-code.js';
import { packageVersion } from '../package-info.js';
import { obeySignals } from '../process-signals.js';

interface StartOptions {
  readonly config?: string;
  readonly sipPort: string;
  readonly apiPort: string;
  readonly log: LogLevel;
  readonly drainTimeout: string;
  readonly json?: boolean;
}

/** `start`. */
export function startCommand(program: Command, io: CliIo): void {
  program
    .command('start')
    .description('run a node; without -c the built-in demonstration, on loopback')
    .option('-c, --config <file>', 'the configuration')
    .option('--drain-timeout <seconds>', 'how long SIGTERM and drain wait for live calls', '60')
    .option('--sip-port <port>', 'without -c: SIP port, UDP and TCP (0: a free one)', '5060')
    .option('--api-port <port>', 'without -c: port of the API (0: a free one)', '8080')
    .addOption(
      new Option('--log <level>', 'without -c: log level')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('warn'),
    )
    .option('--json', 'print where it listens as one JSON line')
    .action(async (options: StartOptions) => {
      const drainMs = numberOf('--drain-timeout', options.drainTimeout, 86_400) * 1000;
      const json = options.json ?? false;
      if (options.config !== undefined) {
        await runFile(options.config, drainMs, json, io);
        return;
      }
      const sipPort = numberOf('--sip-port', options.sipPort, 65_535);
      const apiPort = numberOf('--api-port', options.apiPort, 65_535);
      const builtIn = await startBuiltInNode({ sipPort, apiPort, drainMs, logLevel: options.log }, io);
      try {
        await untilEnded(builtIn.node, io, () => {
          announce(builtIn.node, json, io);
          if (!json) io.out(howToCall(builtIn.node));
        });
      } finally {
        await builtIn.close();
      }
    });
}

function numberOf(option: string, given: string, max: number): number {
  const value = Number(given);
  if (given.trim() !== '' && value >= 0 && value <= max) return value;
  throw new CommandFailed(
    ExitCode.usage,
    'bad_number',
    `${option} ${given} is not a number from 0 to ${max}`,
    'Correct the option.',
  );
}

async function runFile(path: string, drainMs: number, json: boolean, io: CliIo): Promise<void> {
  const read = (): LoadedConfig => readConfig({ path }, io);
  const loaded = valid(read(), path, io);
  const node = await startNode(loaded.config, { reload: read, drainMs, version: packageVersion() });
  await untilEnded(node, io, () => {
    announce(node, json, io);
  });
}

/** Tells where the node listens. */
export function announce(node: RelevoNode, json: boolean, io: CliIo): void {
  const { sipListeners, apiAddress } = node;
  if (json) {
    io.out(`${JSON.stringify({ sipListeners, api: apiAddress.url })}\n`);
    return;
  }
  for (const { transport, address, port } of sipListeners)
    io.out(`SIP  ${transport.padEnd(4)} ${address}:${port}\n`);
  io.out(`API  ${apiAddress.url}/v1/calls (description: ${apiAddress.url}/openapi.json)\n`);
}

/**
 * Resolves when the node has ended as it was asked to; throws where it ended by itself. `announced` is called once
 * signals are obeyed: who reads that the node runs may end it at once.
 */
export async function untilEnded(node: RelevoNode, io: CliIo, announced: () => void): Promise<void> {
  const forget = obeySignals(node, io);
  try {
    announced();
    const { failure } = await node.ended;
    if (failure) throw failure;
  } finally {
    forget();
  }
}
