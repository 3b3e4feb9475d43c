import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { heldGauges, quietMetrics } from '../held-gauges.js';
import { PLANT } from '../heap-probe.js';
import { MediaLoad } from './media-load.js';
import { checkRecordings, unfinishedRecordings } from './recording-check.js';
import { SoakNode } from './soak-node.js';
import { faultsOf, growthPerCall, type MediaSoakReport, type Reading } from './verdict.js';

const SAMPLES = 20;
/** Of the time under load: what is filled once (code, caches, kept calls) is full after it. */
const WARM_UP = 0.25;
/** Ports rest for 20 s before they are closed, and SIP keeps what it may be asked again. */
const DRAIN_MS = 30_000;
const PORTS_CLOSED_MS = 60_000;

const HELP = `npm run soak:media -- [--minutes 30] [--calls 80] [--seed 1] [--json] [--help]

Calls with audio through a whole node, as many at once as --calls says, for so many minutes: every codec, SRTP,
IPv6, digits, holds, hand-overs, recordings, bad networks, strangers, parties that vanish. Each party checks whom
it hears and that nothing is missing; what the node holds is read twenty times. Half a minute of --minutes is for
what has to have gone afterwards.

Exit code 0: nothing was wrong; 1: something was, the last lines say what; 2: a wrong argument.`;

interface Plan {
  readonly minutes: number;
  readonly calls: number;
  readonly seed: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      calls: { type: 'string', default: '80' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const plan = { minutes: Number(values.minutes), calls: Number(values.calls), seed: Number(values.seed) };
  if (!(plan.minutes >= 1) || !(plan.calls >= 1 && plan.calls <= 400) || !Number.isInteger(plan.seed)) {
    console.error('--minutes from 1, --calls from 1 to 400, --seed a whole number');
    process.exitCode = 2;
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'relevo-soak-'));
  try {
    const report = await soak(folder, plan, values.json ? () => undefined : printReading);
    if (values.json) console.log(JSON.stringify(report));
    else printReport(report);
    if (report.failed.length > 0) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function soak(
  folder: string,
  { minutes, calls, seed }: Plan,
  onReading: (reading: Reading) => void,
): Promise<MediaSoakReport> {
  const startedAt = performance.now();
  const node = await SoakNode.start(folder, calls, process.env[PLANT] ?? '');
  const loadMs = minutes * 60_000 - DRAIN_MS;
  const load = new MediaLoad(node, { atOnce: calls, seed, longestMs: loadMs / 3 });
  const { ledger } = load;
  const read = async (told = true): Promise<Reading> => {
    checkRecordings(folder, load.recorded, ledger);
    const metrics = await node.metrics();
    const reading = {
      ...(await node.sample()),
      seconds: Math.round((performance.now() - startedAt) / 1000),
      callsUp: load.up,
      legs: sumOf(metrics, /^relevo_legs\{.*\} (\d+)$/gm),
      portsInUse: sumOf(metrics, /^relevo_media_ports\{state="in_use"\} (\d+)$/gm),
    };
    if (told) onReading(reading);
    return reading;
  };
  try {
    const base = await read();
    await load.start();
    const samples: Reading[] = [];
    const firstAt = performance.now() + loadMs * WARM_UP;
    for (let at = 0; at < SAMPLES; at++) {
      await until(firstAt + (loadMs * (1 - WARM_UP) * at) / (SAMPLES - 1));
      samples.push(await read());
    }
    await load.stop();
    const metrics = await quietMetrics(() => node.metrics());
    let end = await read(false);
    for (const limit = performance.now() + PORTS_CLOSED_MS; end.rtpPorts > 0 && performance.now() < limit;) {
      await until(performance.now() + 1000);
      end = await read(false);
    }
    // What was closed last is let go of in a moment.
    await until(performance.now() + 1000);
    end = await read();
    const { counts } = ledger;
    const packets = {
      lost: counts['lost'] ?? 0,
      kernelDrops: end.drops + (counts['dropped by the kernel at a party'] ?? 0),
    };
    const growth = growthPerCall(samples);
    const failed = faultsOf({
      ledger,
      packets,
      base,
      samples,
      end,
      growth,
      held: heldGauges(metrics),
      recordings: {
        begun: sumOf(metrics, /^relevo_recordings_total\{.*begun.*\} (\d+)$/gm),
        failed: sumOf(metrics, /^relevo_recordings_total\{.*failed.*\} (\d+)$/gm),
        missing: load.recorded.size,
        open: unfinishedRecordings(folder).length,
      },
    });
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    const { faults, losses, standstills } = ledger;
    return {
      seed,
      atOnce: calls,
      seconds,
      calls: end.callsEnded,
      counts,
      packets,
      base,
      samples,
      end,
      growth,
      failed,
      faults,
      losses,
      standstills: {
        count: standstills.count,
        totalMs: Math.round(standstills.totalMs),
        longestMs: Math.round(standstills.longestMs),
      },
    };
  } finally {
    load.close();
    await node.close();
  }
}

function sumOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function until(atMs: number): Promise<void> {
  const ms = atMs - performance.now();
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

function printReading(reading: Reading): void {
  const { seconds, callsEnded, callsUp, legs, heapBytes, rssBytes, openFiles, rtpPorts, portsInUse } =
    reading;
  const heaps = Object.entries(heapBytes).map(([thread, bytes]) => `${thread} ${megabytes(bytes)}`);
  console.log(
    `${String(seconds).padStart(5)} s  ended ${callsEnded}  up ${callsUp}  legs ${legs}  ports ${portsInUse} of ${rtpPorts} bound  ` +
      `MB after GC: ${heaps.join('  ')}  rss ${megabytes(rssBytes)}  files ${openFiles}`,
  );
}

function printReport(report: MediaSoakReport): void {
  console.log(
    `\n${report.calls} calls, ${report.atOnce} at once, in ${report.seconds} s (seed ${report.seed})`,
  );
  for (const [what, count] of Object.entries(report.counts).sort())
    console.log(`  ${what.padEnd(36)}${count}`);
  const { lost, kernelDrops: dropped } = report.packets;
  console.log(`packets missing ${lost}; dropped by the kernel at sockets of node and parties ${dropped}`);
  const { count, totalMs, longestMs } = report.standstills;
  console.log(`the machine stood still ${count} times, ${totalMs} ms together, ${longestMs} ms at most`);
  console.log('bytes that each call left behind, by thread:');
  for (const [thread, bytes] of Object.entries(report.growth)) console.log(`  ${thread.padEnd(36)}${bytes}`);
  for (const loss of report.losses) console.log(`missing: ${loss}`);
  for (const fault of report.faults) console.log(`fault: ${fault}`);
  console.log(report.failed.length === 0 ? 'PASSED' : `FAILED: ${report.failed.join('\n        ')}`);
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(2);

await main();
