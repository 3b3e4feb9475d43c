import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { ListenerView } from '../../observe/listener-view.js';
import type { CliIo } from '../cli-io.js';
import { CommandFailed, ExitCode } from '../exit-code.js';
import { showListener } from '../show-call.js';
import { pathOf } from './calls.js';
import { clientFor, nodeCommand, type NodeOptions } from './node-command.js';

interface ListenOptions extends NodeOptions {
  readonly stop?: string;
}

/** `listen`. */
export function listenCommand(program: Command, io: CliIo): void {
  nodeCommand(
    program
      .command('listen <call> [to]')
      .description('have an operator hear a call in silence: a destination, a SIP URI or a number is called'),
  )
    .option('--stop <listener>', 'let this listener go instead')
    .action(async (callId: string, to: string | undefined, options: ListenOptions) => {
      const client = clientFor(options, io.env);
      const path = `${pathOf(callId)}/listeners`;
      if ((to === undefined) === (options.stop === undefined))
        throw new CommandFailed(
          ExitCode.usage,
          'wrong_arguments',
          'either whom to call or --stop is needed, and not both',
          'relevo listen CALL TO calls an operator, relevo listen CALL --stop LISTENER lets one go.',
        );
      if (options.stop !== undefined) {
        const one = `${path}/${encodeURIComponent(options.stop)}`;
        const answer = await client.request({ method: 'DELETE', path: one });
        io.out(options.json ? `${answer.text}\n` : `${options.stop} is being let go\n`);
        return;
      }
      const headers = { 'idempotency-key': randomUUID() };
      const answer = await client.request({ method: 'POST', path, headers, body: { to } });
      io.out(options.json ? `${answer.text}\n` : showListener(answer.json() as ListenerView));
    });
}
