import { parseArgs } from 'node:util';
import { problemOf } from './common/bench-error.js';
import { SECTION_NAMES, type BenchSettings, type Section, type SectionName } from './common/figures.js';
import { machineFacts } from './common/machine.js';
import { formatReport } from './common/report.js';
import { measureEngine } from './engine/engine.js';
import { measureRelay } from './relay/relay.js';
import { measureCalls } from './signalling/calls.js';
import { measureDelay } from './signalling/delay.js';
import { measureMemory } from './signalling/memory.js';
import { measureTransfer } from './transfer/transfer.js';

const USAGE = `npm run bench -- [--only ${SECTION_NAMES.join(',')}] [--quick] [--seconds N] [--json]

Measures on this machine and prints a table (with --json, one JSON object). No figure makes it fail:
exit 0 means measured, 1 that something could not be measured, 2 a wrong argument.
  --only      the sections to run, separated by commas
  --quick     short steps: under 90 s in all, figures only indicative
  --seconds   length of one measured step`;

const SECTIONS: Readonly<Record<SectionName, (settings: BenchSettings) => Promise<Section>>> = {
  engine: measureEngine,
  calls: measureCalls,
  delay: measureDelay,
  memory: measureMemory,
  relay: measureRelay,
  transfer: measureTransfer,
};

interface Arguments {
  readonly only: readonly SectionName[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly seconds: number | null;
}

/** @throws with what is wrong, in words. */
function readArguments(args: readonly string[]): Arguments | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const wanted = values.only?.split(',') ?? [...SECTION_NAMES];
  const only = SECTION_NAMES.filter((name) => wanted.includes(name));
  const unknown = wanted.filter((name) => !SECTION_NAMES.some((known) => known === name));
  if (unknown.length > 0)
    throw new Error(`no section ${unknown.join(', ')}; there are ${SECTION_NAMES.join(', ')}`);
  const seconds = values.seconds === undefined ? null : Number(values.seconds);
  if (seconds !== null && !(seconds >= 1 && seconds <= 60)) throw new Error('--seconds takes 1 to 60');
  return { only, quick: values.quick, json: values.json, seconds };
}

async function run({ only, quick, json, seconds }: Arguments): Promise<boolean> {
  const startedAt = performance.now();
  const machine = machineFacts();
  const settings: BenchSettings = {
    quick,
    seconds,
    say: (line) => {
      process.stderr.write(`${line}\n`);
    },
  };
  const sections: Section[] = [];
  for (const name of only) {
    try {
      sections.push(await SECTIONS[name](settings));
    } catch (error) {
      sections.push({
        name,
        title: 'could not be measured',
        figures: [],
        notes: [],
        problem: problemOf(error),
      });
    }
  }
  const report = { machine, quick, seconds: (performance.now() - startedAt) / 1000, sections };
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : formatReport(report)}\n`);
  return sections.every(({ problem }) => problem === null);
}

async function main(): Promise<number> {
  let given: Arguments | 'help';
  try {
    given = readArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${problemOf(error).message}\n\n${USAGE}\n`);
    return 2;
  }
  if (given === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  return (await run(given)) ? 0 : 1;
}

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.exitCode = await main();
