import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Command } from 'commander';
import { CommandFailed, ExitCode } from '../exit-code.js';
import { packageRoot } from '../package-info.js';

/** `bench`. */
export function benchCommand(program: Command): void {
  program
    .command('bench')
    .description('measure this machine: runs npm run bench of the source tree')
    .argument('[arguments...]', 'handed to the benchmark')
    .option('--json', 'print JSON')
    .allowUnknownOption()
    .action(async (given: readonly string[], { json }: { json?: boolean }) => {
      const args = ['run', '--silent', 'bench', '--', ...given, ...(json ? ['--json'] : [])];
      const child = spawn('npm', args, { cwd: packageRoot(), stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0)
        throw new CommandFailed(
          ExitCode.failure,
          'bench_failed',
          `the benchmark ended with ${code ?? 'a signal'}`,
          'Look at its output above; it needs the source tree and its development tools.',
        );
    });
}
