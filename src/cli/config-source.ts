import { formatProblems } from '../config/format-problems.js';
import { loadConfig, type ConfigSource, type LoadedConfig } from '../config/load-config.js';
import { checkExpression } from '../policy/rules/expression.js';
import type { CliIo } from './cli-io.js';
import { CommandFailed, ExitCode } from './exit-code.js';

/** Loads a configuration with the environment of the command. */
export function readConfig(source: ConfigSource, io: CliIo): LoadedConfig {
  return loadConfig(source, { env: io.env, checkExpression });
}

/** Prints problems (or warnings) as a compiler does; as JSON where asked. */
export function printProblems(loaded: LoadedConfig, io: CliIo, json: boolean): void {
  const problems = loaded.ok ? loaded.warnings : loaded.problems;
  if (json) io.out(`${JSON.stringify({ ok: loaded.ok, problems })}\n`);
  else if (problems.length > 0) io.err(`${formatProblems(problems, loaded.text)}\n`);
}

/** Prints warnings; throws where there are errors. */
export function valid(loaded: LoadedConfig, path: string, io: CliIo): Extract<LoadedConfig, { ok: true }> {
  printProblems(loaded, io, false);
  if (loaded.ok) return loaded;
  throw new CommandFailed(
    ExitCode.usage,
    'config_invalid',
    `${path} has errors; nothing was started`,
    'Correct the places above.',
  );
}
