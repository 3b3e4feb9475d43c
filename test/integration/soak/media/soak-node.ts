import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PLANT } from '../heap-probe.js';
import type { FromNode, MediaSample, ToNode } from './soak-node-process.js';

/** Where a node of a soak is reached. */
export interface SoakPorts {
  readonly sip: number;
  readonly api: number;
  readonly bot: number;
  readonly agent: number;
}

const START_MS = 60_000;
const SAMPLE_MS = 60_000;

/** The node, in a process of its own: what it holds is not the load's. */
export class SoakNode {
  readonly ports: SoakPorts;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #failed: Promise<never>;
  #ended: (callId: string) => void = () => undefined;
  #closing = false;

  private constructor(child: ChildProcess, ports: SoakPorts) {
    this.#child = child;
    this.ports = ports;
    this.pid = child.pid!;
    this.#failed = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the node ended with ${String(code ?? signal)}`);
    });
    this.#failed.catch((error: unknown) => {
      if (!this.#closing) throw error;
    });
    child.on('message', (message: FromNode) => {
      if (message.kind === 'ended') this.#ended(message.callId);
    });
  }

  /** `plant` names a leak to be planted, '' for none. `folder` takes its recordings. */
  static async start(folder: string, calls: number, plant: string): Promise<SoakNode> {
    const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
    const child = fork(here('./soak-node-process.js'), [folder, String(calls)], {
      execArgv: ['--expose-gc', '--enable-source-maps', '--import', here('../heap-probe.js')],
      env: { ...process.env, [PLANT]: plant },
      // Its words go where those of this process go that are not the report.
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    const ready = await answer(child, 'ready', START_MS);
    return new SoakNode(child, ready.ports);
  }

  onEnded(listener: (callId: string) => void): void {
    this.#ended = listener;
  }

  /** Status of the API's answer. */
  async handOver(callId: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.ports.api}/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { connection: 'close', 'content-type': 'application/json' },
      body: '{}',
    });
    await response.arrayBuffer();
    return response.status;
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.ports.api}/metrics`, {
      headers: { connection: 'close' },
    });
    return response.text();
  }

  async sample(): Promise<MediaSample> {
    const sample = answer(this.#child, 'sample', SAMPLE_MS);
    this.#send({ kind: 'sample' });
    return (await Promise.race([sample, this.#failed])).sample;
  }

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#send({ kind: 'close' });
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), START_MS);
    await gone;
    clearTimeout(kill);
  }

  #send(message: ToNode): void {
    this.#child.send(message);
  }
}

/** The next message of this kind. */
function answer<K extends FromNode['kind']>(
  child: ChildProcess,
  kind: K,
  ms: number,
): Promise<Extract<FromNode, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      settle();
    };
    const onMessage = (message: FromNode): void => {
      if (message.kind === kind) end(() => resolve(message as Extract<FromNode, { kind: K }>));
    };
    const onExit = (code: number | null): void =>
      end(() => reject(new Error(`the node ended with ${String(code)} before its ${kind}`)));
    const timer = setTimeout(
      () => end(() => reject(new Error(`no ${kind} of the node within ${ms} ms`))),
      ms,
    );
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}
