import { messageOf, RelevoError } from '../common/errors.js';

/** What a command may touch, so that it can be run in a test. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  out(text: string): void;
  err(text: string): void;
}

export const processIo: CliIo = {
  env: process.env,
  out: (text) => {
    process.stdout.write(text);
  },
  err: (text) => {
    process.stderr.write(text);
  },
};

/** Prints an error with its code, cause and remedy; as one JSON object where `json`. */
export function printError(io: CliIo, thrown: unknown, json: boolean): void {
  const code = thrown instanceof RelevoError ? thrown.code : 'internal_error';
  const remedy = thrown instanceof RelevoError ? thrown.remedy : 'Report this with the text above.';
  const message = messageOf(thrown);
  const cause = thrown instanceof Error && thrown.cause !== undefined ? messageOf(thrown.cause) : null;
  if (json) {
    io.err(`${JSON.stringify({ error: { code, message, cause, remedy } })}\n`);
    return;
  }
  io.err(`relevo: ${message} (${code})\n`);
  if (cause !== null && !message.includes(cause)) io.err(`  cause:  ${cause}\n`);
  io.err(`  remedy: ${remedy}\n`);
}
