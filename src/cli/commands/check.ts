import type { Command } from 'commander';
import { jsonSchema } from '../../config/json-schema.js';
import type { CliIo } from '../cli-io.js';
import { printProblems, readConfig } from '../config-source.js';
import { CommandFailed, ExitCode } from '../exit-code.js';

/** `check` and `schema`. */
export function configCommands(program: Command, io: CliIo): void {
  program
    .command('check')
    .description('validate a configuration without starting anything')
    .requiredOption('-c, --config <file>', 'the configuration')
    .option('--json', 'print the problems as JSON')
    .action(({ config, json = false }: { config: string; json?: boolean }) => {
      const loaded = readConfig({ path: config }, io);
      printProblems(loaded, io, json);
      if (!loaded.ok)
        throw new CommandFailed(
          ExitCode.usage,
          'config_invalid',
          `${config} has errors`,
          'Correct the places above.',
        );
      if (json) return;
      const { plan, source } = loaded.config;
      const count = (what: object): number => Object.keys(what).length;
      io.out(
        `${config} is valid (${source.hash}): ${count(plan.projects)} projects, ${count(plan.bots)} bots, ` +
          `${count(plan.trunks)} trunks, ${count(plan.destinations)} destinations\n`,
      );
    });

  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .option('--json', 'it always is JSON')
    .action(() => io.out(`${JSON.stringify(jsonSchema(), null, 2)}\n`));
}
