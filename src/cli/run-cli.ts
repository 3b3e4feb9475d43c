import { Command, CommanderError } from 'commander';
import { RelevoError } from '../common/errors.js';
import { printError, type CliIo } from './cli-io.js';
import { callCommands } from './commands/calls.js';
import { listenCommand } from './commands/listen.js';
import { nodeCommands } from './commands/node.js';
import { transferCommand } from './commands/transfer.js';
import { trunksCommand } from './commands/trunks.js';
import { CommandFailed, EXIT_CODES_HELP, ExitCode } from './exit-code.js';

/** Codes of errors below the command line that are the user's arguments all the same. */
const WRONG_ARGUMENTS = new Set(['unknown_scenario']);

/** Adds further commands to the program: those that run a node rather than speak to one. */
export type AddCommands = (program: Command, io: CliIo) => void;

/** Runs one command line (without `node` and the script). Returns the exit code; never throws. */
export async function runCli(
  args: readonly string[],
  io: CliIo,
  version: string,
  local: readonly AddCommands[],
): Promise<number> {
  const program = new Command('relevo')
    .description('A SIP back-to-back user agent for voicebots.')
    .version(version)
    .showHelpAfterError('(relevo --help lists the commands)')
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .addHelpText('after', EXIT_CODES_HELP);
  for (const add of [...local, callCommands, transferCommand, listenCommand, trunksCommand, nodeCommands])
    add(program, io);
  everyCommand(program, (command) => command.exitOverride());
  try {
    await program.parseAsync(args, { from: 'user' });
    return ExitCode.ok;
  } catch (error) {
    // Commander has printed its own message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    printError(io, error, args.includes('--json'));
    if (error instanceof CommandFailed) return error.exitCode;
    return error instanceof RelevoError && WRONG_ARGUMENTS.has(error.code)
      ? ExitCode.usage
      : ExitCode.failure;
  }
}

function everyCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    child.addHelpText('after', EXIT_CODES_HELP);
    everyCommand(child, visit);
  }
}
