import type { Command } from 'commander';
import { RelevoError } from '../../common/errors.js';
import type { LoadedConfig } from '../../config/load-config.js';
import { startNode, type RelevoNode } from '../../main.js';
import type { CliIo } from '../cli-io.js';
import { printProblems, readConfig } from '../config-source.js';
import { CommandFailed, ExitCode } from '../exit-code.js';
import { packageVersion } from '../package-info.js';
import { obeySignals } from '../process-signals.js';

interface StartOptions {
  readonly config?: string;
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
    .option('--json', 'print where it listens as one JSON line')
    .action(async (options: StartOptions) => {
      const drainMs = Number(options.drainTimeout) * 1000;
      if (!Number.isFinite(drainMs) || drainMs < 0)
        throw new CommandFailed(
          ExitCode.usage,
          'bad_drain_timeout',
          `--drain-timeout ${options.drainTimeout} is not a number of seconds`,
          'Write it like --drain-timeout 60.',
        );
      if (options.config !== undefined) await runFile(options.config, drainMs, options.json ?? false, io);
      else throw new RelevoError('x', 'x', 'x');
    });
}

async function runFile(path: string, drainMs: number, json: boolean, io: CliIo): Promise<void> {
  const read = (): LoadedConfig => readConfig({ path }, io);
  const loaded = valid(read(), path, io);
  const node = await startNode(loaded.config, { reload: read, drainMs, version: packageVersion() });
  announce(node, json, io);
  await untilEnded(node, io);
}

/** Prints warnings; throws where there are errors. */
export function valid(loaded: LoadedConfig, path: string, io: CliIo): Extract<LoadedConfig, { ok: true }> {
  printProblems(loaded, io, false);
  if (loaded.ok) return loaded;
  throw new CommandFailed(
    ExitCode.usage,
    'config_invalid',
    `${path} has errors; nothing was started`,
    'Correct the places above.',
  );
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

/** Resolves when the node has ended as it was asked to; throws where it ended by itself. */
export async function untilEnded(node: RelevoNode, io: CliIo): Promise<void> {
  const forget = obeySignals(node, io);
  try {
    const { failure } = await node.ended;
    if (failure) throw failure;
  } finally {
    forget();
  }
}
