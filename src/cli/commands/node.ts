import type { Command } from 'commander';
import type { ReloadReport } from '../../api/node-control.js';
import type { CliIo } from '../cli-io.js';
import { clientFor, nodeCommand, type NodeOptions } from './node-command.js';

/** `reload` and `drain`. */
export function nodeCommands(program: Command, io: CliIo): void {
  nodeCommand(
    program.command('reload').description('have the node read its configuration again, for new calls'),
  ).action(async (options: NodeOptions) => {
    const answer = await clientFor(options, io.env).request({ method: 'POST', path: '/v1/reload' });
    if (options.json) {
      io.out(`${answer.text}\n`);
      return;
    }
    const report = answer.json() as Extract<ReloadReport, { applied: true }>;
    io.out(`applied (${report.hash}); changed: ${report.changed.join(', ') || 'nothing'}\n`);
    if (report.needsRestart.length > 0)
      io.out(`left as they were until a restart: ${report.needsRestart.join(', ')}\n`);
    for (const warning of report.warnings) io.out(`warning: ${warning}\n`);
  });

  nodeCommand(
    program.command('drain').description('have the node take no new calls, and end after the last one'),
  ).action(async (options: NodeOptions) => {
    const answer = await clientFor(options, io.env).request({ method: 'POST', path: '/v1/drain' });
    const { calls, withinMs } = answer.json() as { calls: number; withinMs: number };
    io.out(
      options.json
        ? `${answer.text}\n`
        : `draining: ${calls} live calls, ends within ${Math.round(withinMs / 1000)} s\n`,
    );
  });
}
