#!/usr/bin/env node
import { processIo } from './cli-io.js';
import { benchCommand } from './commands/bench.js';
import { configCommands } from './commands/check.js';
import { demoCommand } from './commands/demo.js';
import { engineCommand } from './commands/engine.js';
import { dryRunCommand } from './commands/dry-run.js';
import { startCommand } from './commands/start.js';
import { packageVersion } from './package-info.js';
import { runCli } from './run-cli.js';

process.exitCode = await runCli(process.argv.slice(2), processIo, packageVersion(), [
  startCommand,
  configCommands,
  demoCommand,
  dryRunCommand,
  benchCommand,
  engineCommand,
]);
