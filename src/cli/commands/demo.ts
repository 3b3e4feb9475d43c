import type { Command } from 'commander';
import { runDemo } from '../../demo/run-demo.js';
import { startNode } from '../../main.js';
import type { CliIo } from '../cli-io.js';
import { CommandFailed, ExitCode } from '../exit-code.js';

/** `demo`. */
export function demoCommand(program: Command, io: CliIo): void {
  program
    .command('demo')
    .description('place a call and hand it over to a person, once by each method, and verify each')
    .option('--only <names...>', 'scenarios by name; all of them without it')
    .option('--json', 'print one JSON object and nothing else')
    .action(async ({ only, json = false }: { only?: readonly string[]; json?: boolean }) => {
      const code = await runDemo({
        json,
        out: (text) => io.out(text),
        startNode: (config) => startNode(config),
        ...(only === undefined ? {} : { only }),
      });
      if (code !== 0)
        throw new CommandFailed(
          ExitCode.failure,
          'demo_failed',
          'not every hand-over was verified',
          'Look at the result of each scenario above.',
        );
    });
}
