import { RelevoError } from '../common/errors.js';
import { DemoStage, type StartDemoNode } from './scenario/demo-stage.js';
import { LiveLadder } from './scenario/live-ladder.js';
import { runScenario, type ScenarioReport } from './scenario/run-scenario.js';
import { SCENARIOS, type Scenario } from './scenario/scenario.js';

export type { DemoNode, StartDemoNode } from './scenario/demo-stage.js';
export type { ScenarioReport } from './scenario/run-scenario.js';

export interface RunDemoOptions {
  /** Print one JSON object and nothing else. */
  readonly json: boolean;
  /** Standard output. */
  readonly out: (text: string) => void;
  /** `startNode` of src/main.ts. */
  readonly startNode: StartDemoNode;
  /** Names of scenarios; all by default. */
  readonly only?: readonly string[];
}

/** What `relevo demo --json` prints. */
export interface DemoReport {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly durationMs: number;
  readonly scenarios: readonly ScenarioReport[];
}

/**
 * Runs the demonstration: a whole node with a caller, a voicebot and agents, each way of handing a call over once.
 * Resolves with the exit code: 0 if everything was verified, else 1. Rejects where nothing could be started.
 */
export async function runDemo(options: RunDemoOptions): Promise<number> {
  const startedMs = performance.now();
  const scenarios =
    options.only === undefined ? SCENARIOS : SCENARIOS.filter(({ name }) => options.only?.includes(name));
  if (scenarios.length === 0) {
    throw new RelevoError(
      'unknown_scenario',
      `the demonstration has no scenario ${options.only?.join(', ') ?? ''}`,
      `Name some of ${SCENARIOS.map(({ name }) => name).join(', ')}.`,
    );
  }
  const say = (line: string): void => {
    if (!options.json) options.out(`${line}\n`);
  };
  const stage = await DemoStage.start(scenarios, options.startNode);
  const reports: ScenarioReport[] = [];
  try {
    say(`Node at ${stage.numberUri('NUMBER')}, API at ${stage.node.apiAddress.url}`);
    for (const scenario of scenarios) reports.push(await runOne(stage, scenario, options.json, say));
  } finally {
    await stage.close();
  }
  const failed = reports.filter((report) => !report.passed).length;
  const report: DemoReport = {
    ok: failed === 0,
    passed: reports.length - failed,
    failed,
    durationMs: Math.round(performance.now() - startedMs),
    scenarios: reports,
  };
  if (options.json) options.out(`${JSON.stringify(report)}\n`);
  else sayResults(report, say);
  return report.ok ? 0 : 1;
}

async function runOne(
  stage: DemoStage,
  scenario: Scenario,
  json: boolean,
  say: (line: string) => void,
): Promise<ScenarioReport> {
  say(`\n== ${scenario.name}: ${scenario.about} (${scenario.trigger})`);
  const ladders: LiveLadder[] = [];
  const report = await runScenario(stage, scenario, (callId) => {
    if (!json) ladders.push(new LiveLadder(stage.api, callId, say));
  });
  for (const ladder of ladders) await ladder.finish();
  say(report.passed ? '   verified' : `   NOT VERIFIED: ${report.problems.join('; ') || 'incomplete'}`);
  return report;
}

const COLUMNS = ['scenario', 'method', 'trigger', 'outcome', 'gapMs', 'before', 'after', 'verified'] as const;

function sayResults(report: DemoReport, say: (line: string) => void): void {
  const yes = (value: boolean): string => (value ? 'yes' : 'NO');
  const rows = report.scenarios.map((one) => [
    one.scenario,
    one.methods.join(' > ') || one.method,
    one.trigger,
    one.outcome ?? '-',
    one.gapMs === null ? '-' : String(Math.round(one.gapMs)),
    yes(one.audioBefore),
    yes(one.audioAfter),
    yes(one.passed),
  ]);
  const table = [[...COLUMNS], ...rows];
  const widths = COLUMNS.map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
  say('');
  for (const row of table)
    say(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  for (const one of report.scenarios) for (const problem of one.problems) say(`${one.scenario}: ${problem}`);
  say(
    `\n${report.passed} of ${report.scenarios.length} verified in ${(report.durationMs / 1000).toFixed(1)} s`,
  );
}
