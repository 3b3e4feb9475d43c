import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { TransferResult } from '../../../src/call/vocabulary.js';
import { freePort } from '../../support/free-ports.js';
import { startNodeUnderTest } from '../../support/node-under-test.js';
import { growthPerTransfer, HeapWatch, type Sample } from './heap-watch.js';
import { heldGauges, quietMetrics } from './held-gauges.js';
import { SoakLoad } from './soak-load.js';
import { Tally } from './tally.js';

/** What a soak says of itself (`--json`). */
export interface SoakReport {
  readonly transfers: number;
  readonly seconds: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** What each account counts, and a digest of what it says. Metrics count alone. */
  readonly accounts: {
    readonly events: { readonly count: number; readonly digest: string };
    readonly cdr: { readonly count: number; readonly digest: string };
    readonly metrics: { readonly transfers: number; readonly callsEnded: number };
  };
  /** Gauges that were not 0 when every call was over; empty is well. */
  readonly left: readonly string[];
  readonly samples: readonly Sample[];
  /** Bytes that each transfer left behind, by thread. */
  readonly growth: Readonly<Record<string, number>>;
}

/**
 * Base timers of a fast network: what absorbs repeated messages goes after 64 times T1, 4.8 s. People are reached by
 * TCP: over UDP a refused INVITE lingers for 32 s whatever T1 is (timer D), and would look like growth.
 */
const ENGINE = 'engine: { kind: embedded, timers: { t1: 75ms, t2: 600ms, t4: 375ms } }';
const BY_TCP = ';transport=tcp';
/** So many ended calls, and their ladders, are kept: what is kept on purpose is full after the warm-up. */
const KEPT_CALLS = 100;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      transfers: { type: 'string', default: '1000' },
      'warm-up': { type: 'string', default: '400' },
      every: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(
      'npm run soak -- [--transfers 1000] [--warm-up 400] [--every 100] [--json]\n' +
        'Transfers of every kind through a whole node: what became of them, and what each thread keeps in memory.',
    );
    return;
  }
  const transfers = Number(values.transfers);
  const warmUp = Number(values['warm-up']);
  const every = Number(values.every ?? Math.max(100, Math.ceil((transfers - warmUp) / 20)));
  const folder = await mkdtemp(join(tmpdir(), 'relevo-soak-'));
  try {
    const report = await soak(folder, { transfers, warmUp, every }, values.json ? null : printSample);
    if (values.json) console.log(JSON.stringify(report));
    else printReport(report);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function soak(
  folder: string,
  plan: { readonly transfers: number; readonly warmUp: number; readonly every: number },
  onSample: ((sample: Sample) => void) | null,
): Promise<SoakReport> {
  const cdrFile = join(folder, 'cdr.jsonl');
  const limits = `${ENGINE}\nobserve: { keep_calls: ${KEPT_CALLS}, cdr: { file: "${cdrFile}" } }`;
  const startedAt = performance.now();
  const ports = await freePort(40_000, 58_000);
  const node = await startNodeUnderTest({
    limits,
    patient: true,
    rtpPorts: `${ports}-${ports + 799}`,
    agentParameters: BY_TCP,
    secondAgentParameters: BY_TCP,
  });
  const watch = new HeapWatch();
  const load = new SoakLoad(node);
  const samples: Sample[] = [];
  let metrics = '';
  try {
    await load.openPeers();
    for (let done = 0; done < plan.transfers;) {
      const count = Math.min(done === 0 ? plan.warmUp : plan.every, plan.transfers - done);
      await load.run(count);
      done += count;
      metrics = await quietMetrics(async () => {
        const answer = await node.api('/metrics', { headers: { connection: 'close' } });
        return answer.text();
      });
      const sample = await watch.sample(done);
      samples.push(sample);
      onSample?.(sample);
    }
  } finally {
    load.close();
    watch.close();
    await node.close();
  }
  const cdr = await cdrTally(cdrFile);
  const { count, digest, outcomes } = load.tally;
  return {
    transfers: plan.transfers,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    outcomes,
    accounts: {
      events: { count, digest },
      cdr: { count: cdr.count, digest: cdr.digest },
      metrics: {
        transfers: sumOf(metrics, /^relevo_transfers_total\{.*\} (\d+)$/gm),
        callsEnded: sumOf(metrics, /^relevo_calls_ended_total\{.*\} (\d+)$/gm),
      },
    },
    left: heldGauges(metrics),
    samples,
    growth: growthPerTransfer(samples),
  };
}

async function cdrTally(file: string): Promise<Tally> {
  const tally = new Tally();
  for await (const line of createInterface({ input: createReadStream(file) }))
    for (const result of (JSON.parse(line) as { transfers: TransferResult[] }).transfers) tally.add(result);
  return tally;
}

function sumOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
}

function printSample({ transfers, heapBytes, rssBytes, openFiles }: Sample): void {
  const heaps = Object.entries(heapBytes).map(([thread, bytes]) => `${thread} ${megabytes(bytes)}`);
  console.log(
    `${String(transfers).padStart(8)} transfers  MB after GC: ${heaps.join('  ')}  rss ${megabytes(rssBytes)}  files ${openFiles}`,
  );
}

function printReport(report: SoakReport): void {
  const { transfers, seconds, outcomes, accounts, left, growth } = report;
  console.log(`\n${transfers} transfers in ${seconds} s`);
  for (const [outcome, count] of Object.entries(outcomes)) console.log(`  ${outcome.padEnd(24)}${count}`);
  const { events, cdr, metrics } = accounts;
  const agree = cdr.digest === events.digest && metrics.transfers === events.count;
  console.log(
    `accounts: events ${events.count}, CDR ${cdr.count}, metrics ${metrics.transfers}: ${agree ? 'the same' : 'NOT the same'}`,
  );
  console.log(`left over: ${left.length === 0 ? 'nothing' : left.join('; ')}`);
  console.log('bytes that each transfer left behind, by thread:');
  for (const [thread, bytes] of Object.entries(growth)) console.log(`  ${thread.padEnd(24)}${bytes}`);
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(2);

await main();
