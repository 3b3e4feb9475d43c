import type { Command } from 'commander';
import type { CallView } from '../../observe/call-view.js';
import type { CliIo } from '../cli-io.js';
import { showCall } from '../show-call.js';
import { clockTime, table } from '../table.js';
import { clientFor, nodeCommand, type NodeOptions } from './node-command.js';

interface CallsOptions extends NodeOptions {
  readonly all?: boolean;
  readonly state?: string;
  readonly project?: string;
  readonly limit: string;
}

/** `calls`, `show`, `hangup`, `ladder`. */
export function callCommands(program: Command, io: CliIo): void {
  nodeCommand(program.command('calls').description('list the live calls, newest first'))
    .option('--all', 'ended calls too')
    .option('--state <state>', 'connecting, early, with_bot, transferring, with_agent, ending or ended')
    .option('--project <name>', 'calls of one project')
    .option('--limit <n>', 'at most so many', '100')
    .action(async (options: CallsOptions) => {
      const query = new URLSearchParams({ limit: options.limit });
      if (!options.all && options.state === undefined) query.set('live', 'true');
      if (options.state !== undefined) query.set('state', options.state);
      if (options.project !== undefined) query.set('project', options.project);
      const answer = await clientFor(options, io.env).request({ path: `/v1/calls?${query.toString()}` });
      if (options.json) {
        io.out(`${answer.text}\n`);
        return;
      }
      const { calls, live } = answer.json() as { calls: CallView[]; live: number };
      if (calls.length > 0)
        io.out(
          table(
            ['CALL', 'STATE', 'PROJECT', 'CALLER', 'CALLED', 'TIME', 'TRANSFER'],
            calls.map((call) => [
              call.callId,
              call.state,
              call.project,
              call.caller,
              call.called,
              clockTime(call.durationMs ?? Date.now() - call.startedAt),
              lastTransfer(call),
            ]),
          ),
        );
      io.out(`${calls.length} shown, ${live} live\n`);
    });

  nodeCommand(
    program.command('show <call>').description('show a call: its legs, transfers and media'),
  ).action(async (callId: string, options: NodeOptions) => {
    const answer = await clientFor(options, io.env).request({ path: pathOf(callId) });
    io.out(options.json ? `${answer.text}\n` : showCall(answer.json() as CallView));
  });

  nodeCommand(program.command('hangup <call>').description('end a call')).action(
    async (callId: string, options: NodeOptions) => {
      const answer = await clientFor(options, io.env).request({ method: 'DELETE', path: pathOf(callId) });
      io.out(options.json ? `${answer.text}\n` : `${callId} is being hung up\n`);
    },
  );

  nodeCommand(program.command('ladder <call>').description("draw a call's SIP messages")).action(
    async (callId: string, options: NodeOptions) => {
      const answer = await clientFor(options, io.env).request({
        path: `${pathOf(callId)}/ladder`,
        headers: { accept: options.json ? 'application/json' : 'text/plain' },
      });
      io.out(options.json ? `${answer.text}\n` : answer.text);
    },
  );
}

export function pathOf(callId: string): string {
  return `/v1/calls/${encodeURIComponent(callId)}`;
}

function lastTransfer({ transfers }: CallView): string {
  const last = transfers.at(-1);
  if (!last) return '-';
  return last.result ? last.result.outcome : `to ${last.destination ?? 'default'}`;
}
