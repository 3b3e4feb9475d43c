import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../common/bench-error.js';
import { findProgram, startChild, type Child } from '../common/child.js';
import { processCpuMs } from '../common/proc.js';

const SCENARIOS = fileURLToPath(new URL('../../../bench/sipp/', import.meta.url));
/** As much as net.core.rmem_max usually allows. */
const SOCKET_BUFFER = 4_194_304;
/** What a call may take beyond its hold before the run is ended. */
const SETTLE_S = 12;

export interface LoadOrder {
  readonly targetPort: number;
  readonly callerPort: number;
  readonly number: string;
  readonly callsPerSecond: number;
  readonly calls: number;
  readonly holdMs: number;
  /** The scenario's file in bench/sipp; `caller-load.xml` by default. */
  readonly scenario?: string;
}

export interface LoadResult {
  readonly succeeded: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** From SIPp's first call to its last (s), the hold of the last included. */
  readonly elapsedS: number;
  /** Of the caller's SIPp. */
  readonly cpuMs: number;
  /** What SIPp said about failures, the first lines. */
  readonly errors: string;
  /** The scenario's counters 1 to 3, where it has them. */
  readonly counters: readonly number[];
}

/** The caller's SIPp, running. */
export interface Load {
  readonly done: Promise<LoadResult>;
  stop(): Promise<void>;
}

/** @throws BenchError where SIPp is not installed. */
async function sipp(): Promise<string> {
  const program = await findProgram('sipp');
  if (program) return program;
  throw new BenchError('no_sipp', 'SIPp is not installed', 'Install it: apt-get install sip-tester.');
}

/** A SIPp that plays the bot for every call until it is stopped. */
export async function startBot(port: number): Promise<Child> {
  const folder = mkdtempSync(join(tmpdir(), 'relevo-bench-'));
  const child = await startChild(
    await sipp(),
    ['-sf', `${SCENARIOS}bot-load.xml`, ...common(port, 57_900), '-rtcheck', 'loose'],
    { cwd: folder, stdin: false },
  );
  void child.exited.then(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return child;
}

/** Calls at a steady rate; `done` resolves when the last has ended. */
export async function startLoad(order: LoadOrder): Promise<Load> {
  const folder = mkdtempSync(join(tmpdir(), 'relevo-bench-'));
  const statistics = join(folder, 'load.csv');
  const errors = join(folder, 'errors.log');
  const lastsS = order.calls / order.callsPerSecond + order.holdMs / 1000 + SETTLE_S;
  const child = await startChild(
    await sipp(),
    [
      ...[
        '-sf',
        `${SCENARIOS}${order.scenario ?? 'caller-load.xml'}`,
        `127.0.0.1:${order.targetPort}`,
        '-s',
        order.number,
      ],
      ...common(order.callerPort, 57_950),
      ...['-r', String(order.callsPerSecond), '-m', String(order.calls), '-d', String(order.holdMs)],
      ...['-l', '15000', '-timeout', `${Math.ceil(lastsS)}s`],
      ...['-trace_stat', '-stf', statistics, '-fd', '1', '-trace_err', '-error_file', errors],
    ],
    { cwd: folder },
  );
  let cpuMs = 0;
  const watch = setInterval(() => {
    try {
      cpuMs = processCpuMs(child.pid);
    } catch {
      // It has ended: the last reading stands.
    }
  }, 250);
  const done = child.exited.then((): LoadResult => {
    clearInterval(watch);
    const result = readStatistics(
      readText(statistics),
      readText(errors).slice(0, 2000) || child.output().slice(-500),
    );
    rmSync(folder, { recursive: true, force: true });
    return { ...result, failed: order.calls - result.succeeded, cpuMs };
  });
  return { done, stop: () => child.stop() };
}

/** SIPp binds its media port and never reads it: what the node sends there costs it no ICMP answer. */
function common(port: number, mediaPort: number): string[] {
  return [
    ...['-mp', String(mediaPort)],
    ...['-i', '127.0.0.1', '-p', String(port), '-t', 'u1', '-nostdin', '-buff_size', String(SOCKET_BUFFER)],
    ...['-max_retrans', '7'],
  ];
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** A point in time as SIPp writes it: date, time and, last, Unix seconds with microseconds. */
function unixSeconds(written: string | undefined): number {
  return Number(written?.trim().split('\t').at(-1) ?? 0);
}

/** The last line of SIPp's statistics file, by its header. */
function readStatistics(csv: string, errors: string): Omit<LoadResult, 'cpuMs'> {
  const lines = csv.trim().split('\n');
  const names = lines[0]?.split(';') ?? [];
  const values = lines.at(-1)?.split(';') ?? [];
  const read = (name: string): number => Number(values[names.indexOf(name)] ?? 0);
  return {
    succeeded: read('SuccessfulCall(C)'),
    failed: read('FailedCall(C)'),
    retransmissions: read('Retransmissions(C)'),
    elapsedS:
      unixSeconds(values[names.indexOf('CurrentTime')]) - unixSeconds(values[names.indexOf('StartTime')]),
    errors,
    counters: [1, 2, 3].map((number) => read(`GenericCounter${number}(C)`)),
  };
}
