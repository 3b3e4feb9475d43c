import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The folder of scenarios, wherever the compiled test runs from. */
export const SCENARIOS = resolve(import.meta.dirname, '../../../sipp-scenarios');

/** Is Debian's SIPp here? Tests that need it say so when they are skipped. */
export function sippAvailable(): boolean {
  return spawnSync('sipp', ['-v']).error === undefined;
}

/** How a run of SIPp ended. */
export interface SippResult {
  readonly exitCode: number | null;
  /** The messages that this SIPp sent and received, as it wrote them. */
  readonly messages: string;
  readonly log: string;
  readonly output: string;
}

/** One running SIPp. `close` stops it; `done` resolves when it has ended by itself or was stopped. */
export interface Sipp {
  readonly port: number;
  readonly done: Promise<SippResult>;
  close(): Promise<void>;
}

/** What to run. `target` is `host:port` for a caller and absent for a bot or an agent. */
export interface SippOptions {
  readonly scenario: string;
  readonly port: number;
  readonly target?: string;
  /** Called number (`-s`). */
  readonly service?: string;
  readonly calls?: number;
  readonly rate?: number;
  readonly transport?: 'u1' | 't1';
  readonly args?: readonly string[];
  readonly timeoutMs?: number;
  /** Off for load: traces of thousands of calls are large. */
  readonly trace?: boolean;
}

function boundUdp(port: number): boolean {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  return ['/proc/net/udp', '/proc/net/tcp'].some((table) => readFileSync(table, 'utf8').includes(hex));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null && !boundUdp(port)) await delay(10);
}

/** Starts SIPp; resolves once its socket is bound. */
export async function startSipp(options: SippOptions): Promise<Sipp> {
  const folder = mkdtempSync(join(tmpdir(), 'relevo-sipp-'));
  const trace = options.trace ?? true;
  const file = (name: string): string => join(folder, name);
  const timeoutMs = options.timeoutMs ?? 30_000;
  const calls = options.calls ?? 1;
  const args = [
    ...(options.target === undefined ? [] : [options.target]),
    ...['-sf', join(SCENARIOS, `${options.scenario}.xml`)],
    ...['-i', '127.0.0.1', '-mi', '127.0.0.1', '-p', String(options.port)],
    ...['-m', String(calls), '-l', String(Math.max(calls, 10)), '-r', String(options.rate ?? 10)],
    ...[
      '-t',
      options.transport ?? 'u1',
      '-nostdin',
      '-timeout',
      String(Math.ceil(timeoutMs / 1000)),
      '-timeout_error',
    ],
    ...(options.service === undefined ? [] : ['-s', options.service]),
    ...(trace
      ? ['-trace_msg', '-message_file', file('messages'), '-trace_logs', '-log_file', file('log')]
      : []),
    ...['-trace_err', '-error_file', file('errors')],
    ...(options.args ?? []),
  ];
  const child = spawn('sipp', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('latin1')).slice(-4000);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('latin1')).slice(-4000);
  });
  const done = new Promise<SippResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      const result = {
        exitCode,
        messages: readIfThere(file('messages')),
        log: readIfThere(file('log')),
        output: `${output}\n${readIfThere(file('errors'))}`,
      };
      rmSync(folder, { recursive: true, force: true });
      resolve(result);
    });
  });
  await Promise.race([listening(child, options.port), done]);
  return {
    port: options.port,
    done,
    close: async () => {
      if (child.exitCode === null) child.kill('SIGKILL');
      await done;
    },
  };
}

/** Waits for a SIPp that must succeed; what it saw on the wire is in the error if it did not. */
export async function succeeded(sipp: Sipp, who: string): Promise<SippResult> {
  const result = await sipp.done;
  if (result.exitCode !== 0) {
    throw new Error(
      `SIPp as ${who} ended with ${String(result.exitCode)}\n${result.messages.slice(-6000)}\n${result.output.slice(-2500)}`,
    );
  }
  return result;
}
