import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../common/bench-error.js';
import { pause, startChild, type Child } from '../common/child.js';
import { residentKb } from '../common/proc.js';
import { benchConfig, type BenchPorts } from './bench-config.js';
import { parseMetrics, type MetricsReading } from './metrics-reading.js';
import { NodeThreads, type NodeCpu } from './node-threads.js';

const RELEVO = fileURLToPath(new URL('../../src/cli/relevo.js', import.meta.url));
const READY_DEADLINE_MS = 20_000;

/** A call record line, as far as the benchmarks read it. */
export interface CallRecordLine {
  readonly transfers: readonly { readonly outcome: string; readonly gapMs: number | null }[];
}

/** A whole node as a child process, with a configuration of its own. */
export class BenchNode {
  readonly ports: BenchPorts;
  readonly #child: Child;
  readonly #folder: string;
  #threads: NodeThreads | null = null;

  private constructor(ports: BenchPorts, child: Child, folder: string) {
    this.ports = ports;
    this.#child = child;
    this.#folder = folder;
  }

  /** @throws BenchError with the node's own words where it does not become ready. */
  static async start(ports: BenchPorts): Promise<BenchNode> {
    const folder = mkdtempSync(join(tmpdir(), 'relevo-bench-'));
    const file = join(folder, 'bench.yaml');
    writeFileSync(file, benchConfig(ports, join(folder, 'calls.cdr')));
    const args = [...nodeFlags(), RELEVO, 'start', '-c', file];
    const node = new BenchNode(ports, await startChild(process.execPath, args), folder);
    const until = performance.now() + READY_DEADLINE_MS;
    let exit: number | null | undefined;
    void node.#child.exited.then((code) => {
      exit = code;
    });
    while (performance.now() < until && exit === undefined) {
      if (await node.#ready()) {
        node.#threads = new NodeThreads(node.#child.pid);
        return node;
      }
      await pause(100);
    }
    const output = node.#child.output().slice(-1500);
    await node.close();
    throw new BenchError(
      'node_not_ready',
      `the node ${exit === undefined ? 'did not become ready' : `ended with ${String(exit)}`}: ${output}`,
      `Free the ports ${ports.sip} and ${ports.api}, and try: npm start.`,
    );
  }

  /** Resident memory of the whole node (MB). */
  residentMb(): number {
    return residentKb(this.#child.pid) / 1024;
  }

  /** CPU time of each thread so far. */
  cpu(): NodeCpu {
    this.#threads ??= new NodeThreads(this.#child.pid);
    return this.#threads.read();
  }

  async metrics(): Promise<MetricsReading> {
    return parseMetrics(await (await this.api('/metrics')).text());
  }

  api(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.ports.api}${path}`, init);
  }

  /** The node's id of a live call, by the caller's Call-ID; null where there is none. */
  async callIdOf(sipCallId: string): Promise<string | null> {
    const { calls } = (await (await this.api('/v1/calls?live=true&limit=1000')).json()) as {
      readonly calls: readonly { readonly callId: string; readonly sipCallId: string }[];
    };
    return calls.find((call) => call.sipCallId === sipCallId)?.callId ?? null;
  }

  /** The call records written so far. */
  callRecords(): CallRecordLine[] {
    try {
      const text = readFileSync(join(this.#folder, 'calls.cdr'), 'utf8');
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as CallRecordLine);
    } catch {
      return [];
    }
  }

  /** Waits until `done` holds of the number of live calls; false when the time is up. */
  async callsReach(done: (live: number) => boolean, withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (performance.now() < until) {
      if (done((await this.metrics()).liveCalls)) return true;
      await pause(200);
    }
    return false;
  }

  /** What the node wrote, for problems. */
  output(): string {
    return this.#child.output();
  }

  async close(): Promise<void> {
    await this.#child.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<boolean> {
    try {
      return (await this.api('/readyz', { signal: AbortSignal.timeout(1000) })).ok;
    } catch {
      return false;
    }
  }
}

/** Flags for the node's runtime, such as --cpu-prof, from RELEVO_BENCH_NODE_FLAGS. */
function nodeFlags(): string[] {
  return (process.env['RELEVO_BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
}
