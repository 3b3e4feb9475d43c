import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import type { TransferView } from '../../observe/call-view.js';
import type { CliIo } from '../cli-io.js';
import { CommandFailed, ExitCode } from '../exit-code.js';
import { showTransfer } from '../show-call.js';
import { pathOf } from './calls.js';
import { headersOf } from './header-option.js';
import { clientFor, nodeCommand, type NodeOptions } from './node-command.js';

const POLL_MS = 200;
const SUCCESSES = new Set(['completed', 'completed_unconfirmed']);

interface TransferOptions extends NodeOptions {
  readonly to?: string;
  readonly mode?: string;
  readonly method?: string;
  readonly reason: string;
  readonly summary?: string;
  readonly header?: readonly string[];
  readonly wait?: boolean;
}

/** `transfer`. */
export function transferCommand(program: Command, io: CliIo): void {
  nodeCommand(program.command('transfer <call>').description('hand a call over to a person'))
    .option(
      '--to <destination>',
      "a destination's name, a SIP URI or a number; the project's default without it",
    )
    .addOption(new Option('--mode <mode>', 'how').choices(['blind', 'attended']))
    .addOption(
      new Option('--method <method>', 'signalled by').choices(['auto', 'refer', 'invite', 'replaces']),
    )
    .addOption(
      new Option('--reason <reason>', 'why')
        .choices(['user_request', 'low_confidence', 'business_rule', 'bot_failure', 'operator'])
        .default('operator'),
    )
    .option('--summary <text>', 'what the person should know')
    .option('--header <name: value...>', 'SIP headers for the person')
    .option('--wait', 'wait for the result; exit code 1 unless it was completed')
    .action(async (callId: string, options: TransferOptions) => {
      const client = clientFor(options, io.env);
      const started = await client.request({
        method: 'POST',
        path: `${pathOf(callId)}/transfers`,
        headers: { 'idempotency-key': randomUUID() },
        body: {
          to: options.to ?? null,
          mode: options.mode ?? null,
          method: options.method ?? null,
          reason: options.reason,
          summary: options.summary ?? null,
          headers: headersOf(options.header ?? []),
        },
      });
      let view = started.json() as TransferView;
      const path = `${pathOf(callId)}/transfers/${encodeURIComponent(view.transferId)}`;
      while (options.wait && view.state !== 'ended') {
        await pause(POLL_MS);
        view = (await client.request({ path })).json() as TransferView;
      }
      io.out(options.json ? `${JSON.stringify(view)}\n` : showTransfer(view));
      if (view.result && !SUCCESSES.has(view.result.outcome))
        throw new CommandFailed(
          ExitCode.failure,
          `transfer_${view.result.outcome}`,
          `the transfer ended ${view.result.outcome}: ${view.result.detail}`,
          `Look at the messages with relevo ladder ${callId}.`,
        );
    });
}
