import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../common/bench-error.js';
import { findProgram, startChild, type Child } from '../common/child.js';

/** The source stands in the repository, three folders above this compiled file. */
const SOURCE = fileURLToPath(new URL('../../../bench/relay/rtp-generator.c', import.meta.url));
const START_DEADLINE_MS = 30_000;

/** One direction of a call: side 0 (callers) or 1 (bots) sends to this port of the relay. */
export interface RtpStream {
  readonly side: 0 | 1;
  readonly toPort: number;
}

/** What the generator saw in one run, warm-up left out. */
export interface RtpRun {
  readonly sent: number;
  readonly received: number;
  /** Packets that the kernel did not take from the generator. */
  readonly refused: number;
  /** From just before the sending to the kernel's receive time stamp. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** CPU time of the generator. */
  readonly cpuMs: number;
  /** Times that the generator was kept from running for over 5 ms. */
  readonly stalls: number;
  readonly longestStallMs: number;
}

/** Paced two-way RTP from a process of its own: rtp-generator.c, compiled when it is first needed. */
export class RtpGenerator {
  /** The generator's own ports: where side 0 and side 1 receive. */
  readonly ports: readonly [number, number];
  readonly #child: Child;
  readonly #lines: LineReader;
  #runs = 0;

  private constructor(child: Child, lines: LineReader, ports: readonly [number, number]) {
    this.#child = child;
    this.#lines = lines;
    this.ports = ports;
  }

  /** @throws BenchError where there is no C compiler. */
  static async start(): Promise<RtpGenerator> {
    const compiler = (await findProgram('cc')) ?? (await findProgram('gcc'));
    if (!compiler) {
      throw new BenchError(
        'no_c_compiler',
        'the RTP generator is a C program (a generator in Node would be slower than the relay it loads)',
        'Install a C compiler: apt-get install gcc libc6-dev.',
      );
    }
    const folder = mkdtempSync(join(tmpdir(), 'relevo-bench-'));
    try {
      const program = join(folder, 'rtp-generator');
      const build = await startChild(compiler, ['-O2', '-o', program, SOURCE]);
      if ((await build.exited) !== 0) {
        throw new BenchError(
          'generator_not_built',
          `${compiler} failed: ${build.output().slice(-300)}`,
          'Install the C library headers: apt-get install libc6-dev.',
        );
      }
      const lines = new LineReader();
      const child = await startChild(program, [], { stdin: true, onStdout: (text) => lines.add(text) });
      const [, first, second] = (await lines.next(START_DEADLINE_MS)).split(' ').map(Number);
      return new RtpGenerator(child, lines, [first!, second!]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Sends 50 packets a second on each stream for `warmupS` and then, counted, for `seconds`. */
  async run(streams: readonly RtpStream[], seconds: number, warmupS: number): Promise<RtpRun> {
    const rows = streams.map(({ side, toPort }) => `${side} ${toPort}\n`).join('');
    const order = `streams ${streams.length}\n${rows}run ${++this.#runs} ${seconds} ${warmupS}\n`;
    this.#child.process.stdin?.write(order);
    return JSON.parse(await this.#lines.next((seconds + warmupS) * 1000 + 10_000)) as RtpRun;
  }

  async close(): Promise<void> {
    await this.#child.stop();
  }
}

/** Lines of a child's output, one at a time. */
class LineReader {
  #text = '';
  readonly #lines: string[] = [];
  #waiting: ((line: string) => void) | null = null;

  add(text: string): void {
    const parts = (this.#text + text).split('\n');
    this.#text = parts.pop() ?? '';
    for (const line of parts) {
      if (this.#waiting) this.#waiting(line);
      else this.#lines.push(line);
    }
  }

  next(deadlineMs: number): Promise<string> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting = null;
        reject(
          new BenchError(
            'generator_silent',
            'the RTP generator did not answer',
            'Run it again on an idle machine.',
          ),
        );
      }, deadlineMs);
      this.#waiting = (found) => {
        this.#waiting = null;
        clearTimeout(late);
        resolve(found);
      };
    });
  }
}
