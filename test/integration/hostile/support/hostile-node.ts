import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../support/free-ports.js';
import type { CallView } from '../../../../src/observe/call-view.js';

const RELEVO = fileURLToPath(new URL('../../../../src/cli/relevo.js', import.meta.url));
const START_MS = 30_000;
const POLL_MS = 25;

/** One line of the node's log. */
export interface LogLine {
  readonly level: number;
  readonly thread: string;
  readonly msg: string;
  readonly code?: string;
  readonly [key: string]: unknown;
}

export const LEVEL = { info: 30, warn: 40, error: 50 } as const;

/** What a test may change of its node. */
export interface HostileOptions {
  readonly botUri?: string;
  readonly bot?: string;
  readonly project?: string;
  readonly transfer?: string;
  /** Size of the RTP port range. */
  readonly rtpPorts?: number;
  readonly agentHosts?: readonly string[];
  readonly allow?: string;
  readonly logLevel?: 'info' | 'silent';
  /** Where its SIP ports and those of its peers are. */
  readonly ports?: readonly [first: number, last: number];
}

/** A node as an operator runs it: a process with a configuration file, a log on standard output, and an API. */
export class HostileNode {
  readonly sipPort: number;
  readonly botPort: number;
  readonly agentPort: number;
  readonly log: LogLine[] = [];
  readonly #api: number;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(
    ports: { sip: number; bot: number; agent: number; api: number },
    folder: string,
    child: ChildProcess,
  ) {
    this.sipPort = ports.sip;
    this.botPort = ports.bot;
    this.agentPort = ports.agent;
    this.#api = ports.api;
    this.#folder = folder;
    this.#child = child;
    this.#exited = once(child, 'exit');
    let rest = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('{"level"')) this.log.push(JSON.parse(line) as LogLine);
      }
    });
  }

  static async start(options: HostileOptions = {}): Promise<HostileNode> {
    const port = (): Promise<number> => freePort(...(options.ports ?? ([15_000, 15_899] as const)));
    const ports = { sip: await port(), bot: await port(), agent: await port(), api: await port() };
    const folder = mkdtempSync(join(tmpdir(), 'relevo-hostile-'));
    const rtp = await freePort(40_000, 59_000);
    const config = join(folder, 'relevo.yaml');
    writeFileSync(config, configText(ports, rtp, options));
    const child = spawn(process.execPath, [RELEVO, 'start', '-c', config, '--drain-timeout', '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const node = new HostileNode(ports, folder, child);
    const died = node.#exited.then(() => {
      throw new Error(`the node did not start: ${errors}`);
    });
    died.catch(() => undefined);
    await Promise.race([node.logged((line) => line.msg === 'node started', START_MS), died]);
    return node;
  }

  get alive(): boolean {
    return this.#child.exitCode === null;
  }

  /** The first log line that matches, now or later. */
  async logged(matches: (line: LogLine) => boolean, withinMs = 5_000): Promise<LogLine> {
    return until('log line', withinMs, () => this.log.find(matches));
  }

  async api(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#api}${path}`, init);
  }

  async transfer(callId: string, body: object = { reason: 'operator' }): Promise<number> {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await this.api(`/v1/calls/${callId}/transfers`, init);
    await response.text();
    return response.status;
  }

  /** The call of that SIP Call-ID, once `ready` holds for it. */
  async call(
    sipCallId: string,
    ready: (call: CallView) => boolean = () => true,
    withinMs = 10_000,
  ): Promise<CallView> {
    return until(`call ${sipCallId}`, withinMs, async () => {
      const response = await this.api('/v1/calls?limit=100');
      const { calls } = (await response.json()) as { calls: CallView[] };
      return calls.find((call) => call.sipCallId === sipCallId && ready(call));
    });
  }

  /** The value of a metric (all labels that hold `label` summed), once `enough` holds; readings may be a second old. */
  async metric(
    name: string,
    label: string,
    enough: (value: number) => boolean,
    withinMs = 5_000,
  ): Promise<number> {
    return until(`${name}{${label}}`, withinMs, async () => {
      const text = await (await this.api('/metrics')).text();
      const value = text
        .split('\n')
        .filter((line) => line.startsWith(name) && line.includes(label))
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
      return enough(value) ? value : undefined;
    });
  }

  /** Asks the node to end as a supervisor does; resolves with how long it took (ms). */
  async close(): Promise<number> {
    const startedAt = performance.now();
    if (this.alive) this.#child.kill('SIGTERM');
    const guard = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    await this.#exited;
    clearTimeout(guard);
    rmSync(this.#folder, { recursive: true, force: true });
    return performance.now() - startedAt;
  }
}

/** Looks again and again until there is something to return. */
export async function until<T>(
  what: string,
  withinMs: number,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`no ${what} within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The configuration of a hostile node, on these ports. */
export function configText(
  ports: { sip: number; bot: number; agent: number; api: number },
  rtp: number,
  options: HostileOptions,
): string {
  const hosts = options.agentHosts ?? [`sip:127.0.0.1:${ports.agent}`];
  const transfer =
    options.transfer ??
    'to: agent, method: invite, waiting: music, timers: { refer_reply: 1s, first_notify: 2s, total: 30s, bye_grace: 1s }';
  return `
listen:
  - { transport: udp, address: 127.0.0.1, port: ${ports.sip} }
  - { transport: tcp, address: 127.0.0.1, port: ${ports.sip} }
media: { kind: embedded, address: 127.0.0.1, ports: ${rtp}-${rtp + (options.rtpPorts ?? 200) - 1}, workers: 1 }
api: { address: 127.0.0.1, port: ${ports.api} }
log: { level: ${options.logLevel ?? 'info'} }
limits: { max_calls: 100 }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [${options.allow ?? '127.0.0.1/32'}] }
  desk: { hosts: ${JSON.stringify(hosts)} }
bots:
  bot: { kind: sip, uri: "${options.botUri ?? `sip:bot@127.0.0.1:${ports.bot}`}", ${options.bot ?? 'answer_timeout: 8s'} }
destinations:
  agent: { type: extension, extension: "201", trunk: desk, ring_timeout: 12s }
projects:
  acme:
    match: [{ trunk: carrier, to: "1000" }]
    bot: bot
    ${options.project ?? ''}
    transfer: { ${transfer} }
    rules:
      - { name: pressed zero, dtmf: "0", reason: user_request }
`;
}
