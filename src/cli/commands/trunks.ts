import type { Command } from 'commander';
import type { TrunkView } from '../../api/trunk-schema.js';
import type { CliIo } from '../cli-io.js';
import { table } from '../table.js';
import { clientFor, nodeCommand, type NodeOptions } from './node-command.js';

/** `trunks`. */
export function trunksCommand(program: Command, io: CliIo): void {
  nodeCommand(
    program.command('trunks').description('list the trunks: calls, refusals, failures, learned method'),
  ).action(async (options: NodeOptions) => {
    const answer = await clientFor(options, io.env).request({ path: '/v1/trunks' });
    if (options.json) {
      io.out(`${answer.text}\n`);
      return;
    }
    const { trunks } = answer.json() as { trunks: readonly TrunkView[] };
    io.out(
      table(
        ['TRUNK', 'IN', 'OUT', 'MAX', 'REFUSED', 'ATTEMPTS', 'FAILED', 'METHOD', 'REGISTERED', 'HOSTS'],
        trunks.map((trunk) => [
          trunk.name,
          String(trunk.callsIn),
          String(trunk.callsOut),
          trunk.maxCalls === null ? '-' : String(trunk.maxCalls),
          refusedOf(trunk),
          String(trunk.attempts),
          String(trunk.failedAttempts),
          methodOf(trunk),
          registrationOf(trunk),
          trunk.hosts.join(' ') || '-',
        ]),
      ),
    );
    for (const { name, registration } of trunks)
      if (registration?.lastError) io.out(`${name}: not registered: ${errorOf(registration.lastError)}\n`);
    for (const { name, lastFailure } of trunks)
      if (lastFailure)
        io.out(
          `${name}: last failure ${new Date(lastFailure.at).toISOString()}: ${failureOf(lastFailure)}\n`,
        );
  });
}

function refusedOf({ refused }: TrunkView): string {
  return String(Object.values(refused).reduce((sum, count) => sum + count, 0));
}

function methodOf({ transferMethod, learned }: TrunkView): string {
  return learned ? `${transferMethod} (learned: ${learned.method})` : transferMethod;
}

function registrationOf({ registration }: TrunkView): string {
  if (!registration) return '-';
  return registration.state === 'registered'
    ? `yes, ${registration.host ?? ''}`
    : `no (${registration.state})`;
}

function errorOf({
  at,
  code,
  status,
  reason,
}: NonNullable<NonNullable<TrunkView['registration']>['lastError']>): string {
  const answer = status === 0 ? reason : `${status} ${reason}`;
  return `${answer} (${code}) at ${new Date(at).toISOString()}`;
}

function failureOf({ what, status, detail, callId }: NonNullable<TrunkView['lastFailure']>): string {
  const call = callId === null ? '' : ` in call ${callId}`;
  return what === 'invite refused' ? `INVITE refused with ${status ?? '?'} ${detail}` : `${detail}${call}`;
}
