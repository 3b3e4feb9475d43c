import { spawn, type ChildProcess } from 'node:child_process';

const KILL_AFTER_MS = 5000;
const KEPT_OUTPUT = 20_000;

/** A program that we started and that does not outlive us. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** The end of what it wrote on stdout and stderr. */
  output(): string;
  /** Exit code, or null where a signal ended it. */
  readonly exited: Promise<number | null>;
  /** SIGTERM, then SIGKILL; idempotent. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program. @throws when it cannot be started. */
export async function startChild(
  command: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    /** Added to the environment. */
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: boolean;
    readonly onStdout?: (text: string) => void;
  } = {},
): Promise<Child> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [options.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  const keep = (text: Buffer): void => {
    output = (output + text.toString()).slice(-KEPT_OUTPUT);
  };
  child.stdout?.on('data', (text: Buffer) => {
    if (options.onStdout) options.onStdout(text.toString());
    else keep(text);
  });
  child.stderr?.on('data', keep);
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      running.delete(child);
      reject(error);
    });
  });
  return {
    process: child,
    pid: child.pid!,
    output: () => output,
    exited,
    stop: async () => {
      if (!running.has(child)) return;
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
      await exited;
      clearTimeout(late);
    },
  };
}

/** Where a program is, or null. */
export async function findProgram(name: string): Promise<string | null> {
  const child = await startChild('/bin/sh', ['-c', `command -v ${name}`]);
  return (await child.exited) === 0 ? child.output().trim() : null;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
