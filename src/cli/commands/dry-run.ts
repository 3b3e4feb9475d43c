import { Option, type Command } from 'commander';
import { dryRunBody, type DryRunReport } from '../../api/dry-run-schema.js';
import { dryRun } from '../../main/dry-run/dry-run.js';
import type { CliIo } from '../cli-io.js';
import { readConfig, valid } from '../config-source.js';
import { CommandFailed, ExitCode } from '../exit-code.js';
import { showDryRun } from '../show-dry-run.js';
import { headersOf } from './header-option.js';
import { clientFor, nodeCommand, type NodeOptions } from './node-command.js';

interface DryRunOptions extends NodeOptions {
  readonly config?: string;
  readonly trunk?: string;
  readonly source?: string;
  readonly called: string;
  readonly caller?: string;
  readonly header?: readonly string[];
  readonly at?: string;
  readonly after?: string;
  readonly intent?: readonly string[];
  readonly confidence?: readonly string[];
  readonly dtmf?: string;
  readonly noMatch?: string;
  readonly noInput?: string;
  readonly event?: readonly string[];
  readonly botFails?: string;
  readonly transfer?: string | true;
  readonly mode?: string;
  readonly method?: string;
}

const HELP = `
What happens in the call, in this order: --bot-fails, --event, --after, --intent and --confidence (one
turn each), --no-match, --no-input, --dtmf, --transfer.

Examples:
  relevo dry-run -c relevo.yaml --trunk carrier --called +5491155550000 --dtmf 0
  relevo dry-run --source 198.51.100.7 --called 1000 --confidence 0.3 0.2 0.3 --at 2026-03-01T23:00:00-05:00
  relevo dry-run --trunk carrier --called 1000 --after 700 --header "X-Tier: gold"
`;

/** `dry-run`. */
export function dryRunCommand(program: Command, io: CliIo): void {
  nodeCommand(
    program
      .command('dry-run')
      .description('tell what would become of a described call: rule, destinations, method, headers'),
  )
    .option('-c, --config <file>', 'ask this configuration, without a node')
    .option('--trunk <name>', 'the trunk that the call comes by')
    .option('--source <address>', 'or the IP address that sends it')
    .requiredOption('--called <number>', 'the called number')
    .option('--caller <number>', "the caller's number")
    .option('--header <name: value...>', "headers of the caller's INVITE")
    .option('--at <time>', 'when: ISO 8601 with offset, such as 2026-03-01T09:00:00-05:00; now without it')
    .option('--bot-fails <status>', 'the bot answers with this status')
    .option('--event <json...>', 'events as POST /v1/dry-run takes them')
    .option('--after <seconds>', 'time that passes')
    .option('--intent <name...>', 'the bot reports a turn with this intent')
    .option('--confidence <value...>', 'the bot reports a turn with this confidence')
    .option('--no-match <times>', 'the bot did not understand, so often')
    .option('--no-input <times>', 'the bot heard nothing, so often')
    .option('--dtmf <digits>', 'the caller presses these')
    .option('--transfer [to]', 'a transfer is asked for')
    .addOption(new Option('--mode <mode>', 'of that transfer').choices(['blind', 'attended']))
    .addOption(
      new Option('--method <method>', 'of that transfer').choices(['auto', 'refer', 'invite', 'replaces']),
    )
    .addHelpText('after', HELP)
    .action(async (options: DryRunOptions) => {
      const body = requestOf(options);
      const report =
        options.config === undefined ? await ask(options, body, io) : offline(options.config, body, io);
      io.out(options.json ? `${JSON.stringify(report)}\n` : showDryRun(report));
    });
}

async function ask(options: DryRunOptions, body: unknown, io: CliIo): Promise<DryRunReport> {
  const answer = await clientFor(options, io.env).request({ method: 'POST', path: '/v1/dry-run', body });
  return answer.json() as DryRunReport;
}

function offline(path: string, body: unknown, io: CliIo): DryRunReport {
  const parsed = dryRunBody.safeParse(body);
  if (!parsed.success) {
    const what = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw wrong(what, 'Correct the options; relevo dry-run --help shows them.');
  }
  const { config } = valid(readConfig({ path }, io), path, io);
  return dryRun(parsed.data, {
    plan: config.plan,
    host: config.listen[0]?.advertise ?? 'localhost',
    state: null,
    admission: null,
    nowMs: Date.now(),
  });
}

function requestOf(options: DryRunOptions): Record<string, unknown> {
  const { trunk, source, called, caller, at } = options;
  return {
    ...(trunk === undefined ? {} : { trunk }),
    ...(source === undefined ? {} : { source }),
    called,
    ...(caller === undefined ? {} : { caller }),
    headers: headersOf(options.header ?? []),
    ...(at === undefined ? {} : { at }),
    events: eventsOf(options),
  };
}

function eventsOf(options: DryRunOptions): unknown[] {
  const { botFails, event = [], after, intent = [], confidence = [], dtmf, transfer } = options;
  const events: unknown[] = [];
  if (botFails !== undefined) events.push({ kind: 'bot_unreachable', status: Number(botFails) });
  for (const one of event) events.push(jsonOf(one));
  if (after !== undefined) events.push({ kind: 'duration', seconds: Number(after) });
  for (let turn = 0; turn < Math.max(intent.length, confidence.length); turn++)
    events.push({
      kind: 'turn',
      intent: intent[turn] ?? null,
      confidence: confidence[turn] === undefined ? null : Number(confidence[turn]),
    });
  for (const [kind, times] of [
    ['no_match', options.noMatch],
    ['no_input', options.noInput],
  ] as const)
    for (let time = 0; time < Number(times ?? 0); time++) events.push({ kind });
  if (dtmf !== undefined) events.push({ kind: 'dtmf', digit: dtmf });
  if (transfer !== undefined)
    events.push({
      kind: 'transfer',
      to: transfer === true ? null : transfer,
      mode: options.mode ?? null,
      method: options.method ?? null,
    });
  return events;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw wrong(`--event ${text} is not JSON`, 'Write it like --event \'{"kind":"no_match"}\'.');
  }
}

function wrong(message: string, remedy: string): CommandFailed {
  return new CommandFailed(ExitCode.usage, 'bad_dry_run', message, remedy);
}
