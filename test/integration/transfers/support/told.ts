import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TransferResult } from '../../../../src/call/vocabulary.js';

/** A message of the webhook, or of the stream of events, as far as these tests read it. */
export interface Told {
  readonly kind: string;
  readonly callId: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const WITHIN_MS = 15_000;

/** Resolves with the first value that is there. */
export async function eventually<T>(what: string, look: () => T | null | Promise<T | null>): Promise<T> {
  const until = Date.now() + WITHIN_MS;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    assert.ok(Date.now() < until, `${what} within ${WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Everyone who is told of transfers outside SIP: a webhook's receiver, a reader of the events, the file of the CDRs. */
export class Listeners {
  readonly cdrFile: string;
  readonly hooked: Told[] = [];
  readonly streamed: Told[] = [];
  readonly #folder: string;
  readonly #server: Server;
  readonly #stop = new AbortController();
  #reading: Promise<void> = Promise.resolve();

  private constructor(folder: string, server: Server) {
    this.#folder = folder;
    this.cdrFile = join(folder, 'cdr.jsonl');
    this.#server = server;
  }

  static async open(): Promise<Listeners> {
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (bytes: Buffer) => (text += bytes.toString()));
      request.on('end', () => {
        const body = JSON.parse(text) as Record<string, unknown>;
        const { callId } = body['call'] as { callId: string };
        listeners.hooked.push({ kind: String(body['event']), callId, body });
        response.end();
      });
    });
    const listeners = new Listeners(await mkdtemp(join(tmpdir(), 'relevo-told-')), server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return listeners;
  }

  /** What the configuration says of them. */
  get observe(): string {
    const { port } = this.#server.address() as AddressInfo;
    const events = 'transfer.started, transfer.ended, call.ended';
    return `observe: { cdr: { file: "${this.cdrFile}" }, webhooks: [{ url: "http://127.0.0.1:${port}/", events: [${events}] }] }`;
  }

  /** Begins to read the stream of events. */
  async read(api: (path: string, init?: RequestInit) => Promise<Response>): Promise<void> {
    const answer = await api('/v1/events', { signal: this.#stop.signal });
    assert.equal(answer.status, 200);
    const { body } = answer;
    assert.ok(body);
    this.#reading = this.#follow(body).catch((error: unknown) => {
      // The node may end before its readers do.
      const cut = error instanceof TypeError && error.message === 'terminated';
      if (!this.#stop.signal.aborted && !cut) throw error;
    });
  }

  /** The CDR of this call. */
  cdr(callId: string): Promise<{ transfers: TransferResult[] }> {
    return eventually('the CDR', async () => {
      const lines = (await readFile(this.cdrFile, 'utf8').catch(() => '')).split('\n').slice(0, -1);
      const cdrs = lines.map((line) => JSON.parse(line) as { callId: string; transfers: TransferResult[] });
      return cdrs.find((one) => one.callId === callId) ?? null;
    });
  }

  /** The one message of this kind about this call. */
  async one(told: readonly Told[], kind: string, callId: string): Promise<Told['body']> {
    const matching = (): Told[] => told.filter((one) => one.kind === kind && one.callId === callId);
    const [first, ...rest] = await eventually(kind, () => (matching().length > 0 ? matching() : null));
    assert.ok(first);
    assert.deepEqual(rest, [], `${kind} is told once`);
    return first.body;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#folder, { recursive: true });
  }

  async #follow(body: NonNullable<Response['body']>): Promise<void> {
    let waiting = '';
    for await (const bytes of body.pipeThrough(new TextDecoderStream())) {
      waiting += bytes;
      for (let end = waiting.indexOf('\n\n'); end >= 0; end = waiting.indexOf('\n\n')) {
        const data = /^data: (.*)$/m.exec(waiting.slice(0, end))?.[1];
        waiting = waiting.slice(end + 2);
        if (data === undefined) continue;
        const record = JSON.parse(data) as Record<string, unknown>;
        this.streamed.push({
          kind: String(record['kind']),
          callId: String(record['callId']),
          body: record,
        });
      }
    }
  }
}

/** A counter of the metrics by its labels; 0 where it is not there. */
export function counted(metrics: string, name: string, labels: Readonly<Record<string, string>>): number {
  let sum = 0;
  for (const [, given = '', value] of metrics.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))) {
    if (Object.entries(labels).every(([label, is]) => given.includes(`${label}="${is}"`)))
      sum += Number(value);
  }
  return sum;
}
