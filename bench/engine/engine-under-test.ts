import { fileURLToPath } from 'node:url';
import { BenchError } from '../common/bench-error.js';
import { startChild, type Child } from '../common/child.js';
import { processCpuMs, residentKb } from '../common/proc.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const READY_MS = 20_000;

/** What a process used so far, or between two readings. */
export interface Used {
  readonly engineMs: number;
  readonly applicationMs: number;
}

/** `relevo engine` and the eight-line B2BUA of examples/drachtio-b2bua, each a process of its own. */
export class EngineUnderTest {
  readonly #engine: Child;
  readonly #application: Child;

  private constructor(engine: Child, application: Child) {
    this.#engine = engine;
    this.#application = application;
  }

  /** Listens on UDP `sipPort` of loopback; every call goes to `botPort`. @throws BenchError where one does not start. */
  static async start(sipPort: number, controlPort: number, botPort: number): Promise<EngineUnderTest> {
    const engine = await startUntil(
      'control  ',
      `${ROOT}dist/src/cli/relevo.js`,
      [
        'engine',
        ...['--listen', `udp:127.0.0.1:${sipPort}`, '--control', `127.0.0.1:${controlPort}`],
        ...['--log-level', 'warn'],
      ],
      flags('RELEVO_BENCH_NODE_FLAGS'),
    );
    try {
      const application = await startUntil(
        'connected: ',
        `${ROOT}examples/drachtio-b2bua/b2bua.js`,
        [],
        flags('RELEVO_BENCH_APP_FLAGS'),
        { CONTROL_PORT: String(controlPort), TARGET: `sip:127.0.0.1:${botPort}` },
      );
      return new EngineUnderTest(engine, application);
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  used(): Used {
    return { engineMs: processCpuMs(this.#engine.pid), applicationMs: processCpuMs(this.#application.pid) };
  }

  /** Resident memory (MB). */
  memory(): { readonly engineMb: number; readonly applicationMb: number } {
    return {
      engineMb: residentKb(this.#engine.pid) / 1024,
      applicationMb: residentKb(this.#application.pid) / 1024,
    };
  }

  /** What both wrote, for problems. */
  output(): string {
    return this.#engine.output().slice(-600) + this.#application.output().slice(-600);
  }

  async close(): Promise<void> {
    await this.#application.stop();
    await this.#engine.stop();
  }
}

/** Starts a program of Node and waits until it has written `word`. */
async function startUntil(
  word: string,
  file: string,
  args: readonly string[],
  nodeFlags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const child = await startChild(process.execPath, [...nodeFlags, file, ...args], { env });
  const until = performance.now() + READY_MS;
  const { process: program } = child;
  while (!child.output().includes(word)) {
    if (program.exitCode !== null || performance.now() > until) {
      await child.stop();
      throw new BenchError(
        'engine_not_ready',
        `${file} did not start: ${child.output().slice(-800)}`,
        'Compile first (npm run build), and free UDP and TCP ports 19100 to 19120.',
      );
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  return child;
}

function flags(name: string): string[] {
  return (process.env[name] ?? '').split(' ').filter((flag) => flag !== '');
}
