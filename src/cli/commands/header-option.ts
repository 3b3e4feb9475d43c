import { CommandFailed, ExitCode } from '../exit-code.js';

/** Reads `--header "Name: value"` options. */
export function headersOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((one) => {
      const colon = one.indexOf(':');
      if (colon < 1)
        throw new CommandFailed(
          ExitCode.usage,
          'bad_header',
          `--header ${one} is not "Name: value"`,
          'Write it like --header "X-Ticket: 4711".',
        );
      return [one.slice(0, colon).trim(), one.slice(colon + 1).trim()];
    }),
  );
}
