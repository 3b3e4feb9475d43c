import { BenchError } from '../common/bench-error.js';
import { pause } from '../common/child.js';
import { rounded, type BenchSettings, type Figure, type Section } from '../common/figures.js';
import { percentiles } from '../common/percentiles.js';
import { BENCH_NUMBERS, benchPorts } from '../node/bench-config.js';
import { BenchNode, type CallRecordLine } from '../node/bench-node.js';
import { runTransfers, type TransferCase } from './transfer-run.js';

const CASES: readonly TransferCase[] = [
  { name: 'key to REFER', number: BENCH_NUMBERS.refer, asked: 'key', method: 'refer' },
  { name: 'key to INVITE', number: BENCH_NUMBERS.invite, asked: 'key', method: 'invite' },
  { name: 'API to INVITE', number: BENCH_NUMBERS.invite, asked: 'api', method: 'invite' },
];

/** From the decision to the first packet of the transfer, and the silence that callers were sent. */
export async function measureTransfer(settings: BenchSettings): Promise<Section> {
  const perSecond = settings.quick ? 30 : 40;
  const count = settings.quick ? 60 : Math.max(200, Math.round(perSecond * (settings.seconds ?? 10)));
  const ports = benchPorts(3);
  const figures: Figure[] = [];
  const notes: string[] = [`${perSecond} calls per second, each transferred once; ${count} per case.`];
  const node = await BenchNode.start(ports);
  try {
    await runTransfers(node, CASES[1]!, perSecond, 50, 9_000_000);
    let first = 0;
    let records = (await settledRecords(node)).length;
    for (const test of CASES) {
      const run = await runTransfers(node, test, perSecond, count, first);
      first += count;
      const all = await settledRecords(node);
      const results = all.slice(records).flatMap(({ transfers }) => transfers);
      records = all.length;
      const outcomes = countOf(results.map(({ outcome }) => outcome));
      settings.say(
        `transfer: ${test.name}: ${run.delaysMs.length} of ${run.asked} on the wire, ${JSON.stringify(outcomes)}`,
      );
      if (run.delaysMs.length === 0) {
        notes.push(`${test.name}: no transfer reached the wire (${JSON.stringify(outcomes)}).`);
      }
      figures.push(
        ...figuresOf(
          test,
          run.delaysMs,
          results.flatMap(({ gapMs }) => gapMs ?? []),
        ),
      );
      notes.push(
        `${test.name}: ${run.delaysMs.length} of ${run.asked} on the wire (of ${count} calls, ${run.refused} refused), results ${JSON.stringify(outcomes)}, ` +
          `this process stalled for ${rounded(run.longestStallMs, 1)} ms at most.`,
      );
    }
    if (figures.every(({ value }) => value === null)) {
      throw new BenchError(
        'no_transfer',
        `no transfer reached the wire: ${node.output().slice(-600)}`,
        'See whether a single transfer works: npm run demo.',
      );
    }
    return {
      name: 'transfer',
      title: 'from the decision to the first SIP packet of the transfer',
      figures,
      notes,
      problem: null,
    };
  } finally {
    await node.close();
  }
}

/** Waits for live calls to end and for their records to be written. */
async function settledRecords(node: BenchNode): Promise<CallRecordLine[]> {
  await node.callsReach((live) => live === 0, 10_000);
  await pause(1200);
  return node.callRecords();
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function figuresOf(test: TransferCase, delaysMs: readonly number[], gapsMs: readonly number[]): Figure[] {
  const id = `transfer.${test.asked}_${test.method}`;
  const delay = percentiles(delaysMs);
  const gap = percentiles(gapsMs);
  const cause =
    test.asked === 'key'
      ? "the caller's INFO with the key sent, to the packet received: engine, policy and call included"
      : 'the POST sent, to the packet received: HTTP included';
  const found: Figure[] = [
    {
      id: `${id}_p50`,
      label: `${test.name}, p50`,
      value: delay ? rounded(delay.p50, 3) : null,
      unit: 'ms',
      meaning: cause,
    },
    {
      id: `${id}_p99`,
      label: `${test.name}, p99`,
      value: delay ? rounded(delay.p99, 3) : null,
      unit: 'ms',
      bar: '< 5',
      meaning: cause,
    },
  ];
  if (test.method === 'refer') return found;
  return [
    ...found,
    {
      id: `${id}_gap_p50`,
      label: `${test.name}, gap p50`,
      value: gap ? rounded(gap.p50, 1) : null,
      unit: 'ms',
      meaning: 'gapMs of the results: the longest silence that the caller was sent, music while waiting',
    },
    {
      id: `${id}_gap_p99`,
      label: `${test.name}, gap p99`,
      value: gap ? rounded(gap.p99, 1) : null,
      unit: 'ms',
      bar: '≤ 20',
      meaning: 'as p50',
    },
  ];
}
