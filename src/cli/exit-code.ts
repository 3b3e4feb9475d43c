import { RelevoError } from '../common/errors.js';

/** What `relevo` ends with. */
export const ExitCode = {
  ok: 0,
  failure: 1,
  /** Wrong arguments, or a configuration with errors. */
  usage: 2,
  notFound: 3,
  conflict: 4,
  unreachable: 5,
} as const;

export const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  failed (the message says why and what to do)
  2  wrong arguments, or a configuration with errors
  3  no such call or transfer
  4  refused in this state (a transfer is in flight, the call has ended)
  5  the node cannot be reached
`;

/** A command that did not succeed, with the exit code that says how. */
export class CommandFailed extends RelevoError {
  readonly exitCode: number;

  constructor(exitCode: number, code: string, message: string, remedy: string) {
    super(code, message, remedy);
    this.name = 'CommandFailed';
    this.exitCode = exitCode;
  }
}
