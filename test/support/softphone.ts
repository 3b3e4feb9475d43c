import assert from 'node:assert/strict';
import { spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';

export { startBaresip } from './baresip.js';
export { startLinphone } from './linphone.js';

/** A real softphone, headless on loopback: it sends a tone, keeps what it hears, and is told what to do. */
export interface Softphone {
  readonly name: 'baresip' | 'linphone' | 'sip.js';
  readonly uri: string;
  readonly port: number;
  dial(uri: string): Promise<void>;
  hangUp(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  /** Blind transfer of the call in progress by REFER. */
  transfer(uri: string): Promise<void>;
  /** Holds the call in progress and calls somebody else; resolves when that one has answered. */
  consult(uri: string): Promise<void>;
  /** Attended transfer: the party on hold is referred to the consulted one, by REFER with Replaces. */
  transferToConsulted(): Promise<void>;
  /** How long this phone has heard a tone in all its calls so far. */
  heardMs(toneHz: number): number;
  /** Resolves when the phone's own output matches. */
  says(pattern: RegExp, withinMs: number): Promise<void>;
  output(): string;
  close(): Promise<void>;
}

/** How a phone is started. */
export type StartPhone = (options: SoftphoneOptions) => Promise<Softphone>;

/** Is this program installed? */
export function available(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

/** The command line of a program that dies with the process that started it, even where that one is killed. */
export function mortal(program: string, args: readonly string[]): [string, string[]] {
  if (!available('setpriv')) return [program, [...args]];
  return ['setpriv', ['--pdeathsig', 'KILL', program, ...args]];
}

/** What to start. */
export interface SoftphoneOptions {
  readonly toneHz: number;
  readonly user: string;
  readonly autoAnswer: boolean;
  readonly port?: number;
  /** What it logs in with, where it is challenged. */
  readonly password?: string;
  /** It offers SRTP by SDES, and where it is `required` takes nothing else; plain RTP where absent. */
  readonly srtp?: 'optional' | 'required';
  /** baresip 1.0 sorts by sequence number across a change of SSRC, and may then drop all that comes: without its buffer it does not. */
  readonly noJitterBuffer?: boolean;
  /** Its keys come from DTLS (RFC 5763), and it offers nothing else. */
  readonly dtls?: boolean;
  /** It speaks SIP over TLS only, with this certificate, and trusts this authority. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** What a phone has said, and who waits for it to say something. */
export class PhoneOutput {
  text = '';
  readonly #waiting = new Set<() => void>();

  constructor(child: ChildProcess) {
    const take = (chunk: Buffer): void => {
      this.text += chunk.toString('latin1');
      for (const look of this.#waiting) look();
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
  }

  /** Calls back with each whole line that matches, from now on. */
  onLine(pattern: RegExp, run: () => void): void {
    let read = this.text.length;
    this.#waiting.add(() => {
      const end = this.text.lastIndexOf('\n') + 1;
      if (end <= read) return;
      const lines = this.text.slice(read, end).split('\n');
      read = end;
      for (const line of lines) if (pattern.test(line)) run();
    });
  }

  async says(pattern: RegExp, withinMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`did not say ${String(pattern)} within ${withinMs} ms:\n${this.text.slice(-4000)}`));
      }, withinMs);
      const look = (): void => {
        if (!pattern.test(this.text)) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

const running = new Map<ChildProcess, string>();

/** A phone's process ends with the tests, whatever becomes of the test that started it. */
export function ownPhone(child: ChildProcess, folder: string): void {
  if (running.size === 0) process.once('exit', killAll);
  running.set(child, folder);
}

function killAll(): void {
  for (const [child, folder] of running) {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends a phone's process and removes what it wrote. */
export async function stopPhone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  const folder = running.get(child);
  running.delete(child);
  if (running.size === 0) process.removeListener('exit', killAll);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

/** Runs the start of a phone; a phone that does not come up is killed. */
export async function orKill<T>(child: ChildProcess, folder: string, start: () => Promise<T>): Promise<T> {
  ownPhone(child, folder);
  try {
    return await start();
  } catch (error) {
    await stopPhone(child);
    throw error;
  }
}

/** What counts as having heard somebody. */
const ENOUGH_MS = 500;

/** Waits until the phone has heard so much more of a tone than `sinceMs`; the phones write their files as they go. */
export async function hears(phone: Softphone, toneHz: number, withinMs: number, sinceMs = 0): Promise<void> {
  const until = Date.now() + withinMs;
  while (phone.heardMs(toneHz) < sinceMs + ENOUGH_MS) {
    if (Date.now() > until) {
      assert.fail(
        `${phone.name} at ${phone.uri} did not hear ${toneHz} Hz within ${withinMs} ms\n${phone.output().slice(-4000)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
