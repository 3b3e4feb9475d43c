import type { RelevoNode } from '../main.js';
import type { CliIo } from './cli-io.js';
import { printError } from './cli-io.js';

/**
 * Ends the node by SIGTERM or SIGINT: politely at the first, at once at the second; SIGHUP reloads. Returns the
 * function that takes the handlers away.
 */
export function obeySignals(node: RelevoNode, io: CliIo): () => void {
  let asked = false;
  const end = (signal: NodeJS.Signals): void => {
    if (asked) {
      io.err(`relevo: ${signal} again: ending at once\n`);
      void node.close();
      return;
    }
    asked = true;
    io.err(`relevo: ${signal}: no new calls; waiting for the live ones (again to end at once)\n`);
    void node.drain();
  };
  const reload = (): void => {
    node.reload().then(
      (report) => {
        if (!report.applied) io.err(`relevo: configuration rejected:\n  ${report.problems.join('\n  ')}\n`);
      },
      (error: unknown) => printError(io, error, false),
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('SIGHUP', reload);
  return () => {
    process.off('SIGTERM', end);
    process.off('SIGINT', end);
    process.off('SIGHUP', reload);
  };
}
