import { slope } from '../heap-watch.js';
import type { Ledger } from './ledger.js';
import type { MediaSample } from './soak-node-process.js';

/** What a sample says together with what the load and the metrics say at that time. */
export interface Reading extends MediaSample {
  readonly seconds: number;
  readonly callsUp: number;
  readonly legs: number;
  readonly portsInUse: number;
}

export interface MediaSoakReport {
  readonly seed: number;
  readonly atOnce: number;
  readonly seconds: number;
  readonly calls: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Packets that should have been heard and were not; and what the kernel dropped at the sockets of node and parties. */
  readonly packets: { readonly lost: number; readonly kernelDrops: number };
  /** Before the first call, under load since the warm-up, and when all was over. */
  readonly base: Reading;
  readonly samples: readonly Reading[];
  readonly end: Reading;
  /** Bytes that each call left behind, by thread, and of resident memory. */
  readonly growth: Readonly<Record<string, number>>;
  /** What failed; empty is well. */
  readonly failed: readonly string[];
  readonly faults: readonly string[];
  /** Some of the packets that were missing. */
  readonly losses: readonly string[];
  /** Times at which nothing came to anybody: what depends on time is not held against the node after them. */
  readonly standstills: { readonly count: number; readonly totalMs: number; readonly longestMs: number };
}

/** Bytes that a call may leave behind in a thread. Short runs are still warming up: compiled code grows too. */
const BOUND = 1000;
const BOUND_SHORT = 8000;
const SHORT_CALLS = 4000;
/** Of resident memory, which the allocator gives back when it likes. */
const RSS_SHARE = 0.35;
const RSS_FREE_BYTES = 96 * 2 ** 20;
/** A keep-alive or a read of a directory may be under way in either count. */
const STRAY = 3;

/** Growth per call, of each thread and of resident memory. */
export function growthPerCall(samples: readonly Reading[]): Record<string, number> {
  const per = (of: (reading: Reading) => number): number =>
    Math.round(slope(samples.map((reading) => [reading.callsEnded, of(reading)])));
  const threads = Object.keys(samples[0]?.heapBytes ?? {});
  return {
    ...Object.fromEntries(threads.map((thread) => [thread, per(({ heapBytes }) => heapBytes[thread] ?? 0)])),
    resident: per(({ rssBytes }) => rssBytes),
  };
}

export interface Judged {
  readonly ledger: Ledger;
  readonly packets: MediaSoakReport['packets'];
  readonly base: Reading;
  readonly samples: readonly Reading[];
  readonly end: Reading;
  readonly growth: Readonly<Record<string, number>>;
  /** Gauges that are not 0 at the end. */
  readonly held: readonly string[];
  readonly recordings: {
    readonly begun: number;
    readonly failed: number;
    readonly missing: number;
    readonly open: number;
  };
}

/** Everything that is not as it should be, in words. */
export function faultsOf(run: Judged): readonly string[] {
  const { ledger, packets, base, samples, end, growth, held, recordings } = run;
  const failed: string[] = [];
  if (ledger.faultCount > 0) failed.push(`${ledger.faultCount} faults in what was heard`);
  if (packets.lost > packets.kernelDrops)
    failed.push(`${packets.lost} packets lost, of which the kernel dropped at most ${packets.kernelDrops}`);
  const bound = end.callsEnded < SHORT_CALLS ? BOUND_SHORT : BOUND;
  for (const [thread, bytes] of Object.entries(growth)) {
    if (thread !== 'resident' && bytes > bound)
      failed.push(`${thread} grows by ${bytes} bytes a call (${bound})`);
  }
  const [first] = samples;
  if (first) {
    const allowed = first.rssBytes * (1 + RSS_SHARE) + RSS_FREE_BYTES;
    if (end.rssBytes > allowed)
      failed.push(`resident memory went from ${first.rssBytes} to ${end.rssBytes} bytes`);
  }
  if (end.openFiles > base.openFiles + STRAY)
    failed.push(`${base.openFiles} descriptors before, ${end.openFiles} afterwards`);
  for (const [name, count] of Object.entries(end.resources)) {
    const before = base.resources[name] ?? 0;
    if (count > before + STRAY) failed.push(`${name}: ${before} before, ${count} afterwards`);
  }
  if (end.rtpPorts > 0) failed.push(`${end.rtpPorts} RTP ports are still bound`);
  if (held.length > 0) failed.push(`held: ${held.join('; ')}`);
  const { begun, failed: broken, missing, open } = recordings;
  const checked = ledger.counts['recordings checked'] ?? 0;
  if (broken + missing + open > 0 || begun !== checked)
    failed.push(
      `recordings: ${begun} begun, ${checked} found, ${broken} failed, ${missing} missing, ${open} open`,
    );
  return failed;
}
