import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '../../../src/common/log.js';
import { CallBook } from '../../../src/observe/call-book.js';
import type { CallRecord } from '../../../src/call/call-record.js';
import { signatureOf } from '../../../src/observe/webhook-body.js';
import type { WebhookStats } from '../../../src/observe/webhook-sender.js';
import { Webhooks, type Webhook, type WebhooksOptions } from '../../../src/observe/webhooks.js';
import { ended, started, transferEnded, transferStarted, withBot } from './call-records.js';

interface Post {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A status to answer with, or `hang`: no answer at all. */
type Answer = number | 'hang' | { readonly status: number; readonly headers: Record<string, string> };

/** A receiver that answers as it is told, then 200. */
class Receiver {
  readonly posts: Post[] = [];
  answers: Answer[] = [];
  readonly #server: Server;
  #waiting: { count: number; resolve: () => void }[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        this.posts.push({ path: request.url ?? '', headers: request.headers, body });
        const answer = this.answers.shift() ?? 200;
        if (answer !== 'hang') {
          const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer;
          response.writeHead(status, headers).end('thanks');
        }
        for (const { count, resolve } of this.#waiting) if (this.posts.length >= count) resolve();
      });
    });
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  has(count: number): Promise<void> {
    if (this.posts.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}

describe('webhooks', () => {
  let receiver: Receiver;
  let opened: Webhooks[];
  beforeEach(async () => {
    receiver = await Receiver.open();
    opened = [];
  });
  afterEach(async () => {
    await receiver.close();
    await Promise.all(opened.map((webhooks) => webhooks.close()));
  });

  const hook = (more: Partial<Webhook> = {}): Webhook => ({
    url: receiver.url,
    secret: 'key',
    timeoutMs: 5000,
    retries: 3,
    events: ['transfer.ended', 'call.ended'],
    ...more,
  });
  const open = (hooks: readonly Webhook[], more: Partial<WebhooksOptions> = {}): Webhooks => {
    const log = createLogger('test', 'silent');
    const webhooks = new Webhooks(hooks, { version: '1', epoch: 'e', log, firstBackoffMs: 1, ...more });
    opened.push(webhooks);
    return webhooks;
  };
  const tell = (webhooks: Webhooks, ...records: CallRecord[]): void => {
    const book = new CallBook();
    for (const record of records) {
      book.apply(record);
      webhooks.take(record, () => book.get(record.callId));
    }
  };
  const statsOf = (webhooks: Webhooks): WebhookStats => [...webhooks.stats().values()][0]!;
  /** Everything was sent or given up. */
  const settled = async (webhooks: Webhooks): Promise<WebhookStats> => {
    while (statsOf(webhooks).waiting > 0) await new Promise((resolve) => setImmediate(resolve));
    return statsOf(webhooks);
  };

  it('post the result of a transfer and the call detail record, in this order, signed with their time', async () => {
    const webhooks = open([hook()]);
    tell(webhooks, started(), withBot(), transferStarted(), transferEnded(), ended());
    await receiver.has(2);
    const [first, second] = receiver.posts.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    assert.equal(first?.['event'], 'transfer.ended');
    assert.equal((first['transfer'] as { outcome: string }).outcome, 'completed');
    assert.equal((first['call'] as { caller: string }).caller, '+5491155551234');
    assert.equal(second?.['event'], 'call.ended');
    const { transfers } = second['call'] as { transfers: { transferId: string }[] };
    assert.equal(transfers[0]?.transferId, 't1');
    for (const { headers, body } of receiver.posts) {
      const [, seconds, digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(
        headers['x-relevo-signature'] as string,
      )!;
      assert.equal(createHmac('sha256', 'key').update(`${seconds}.${body}`).digest('hex'), digest);
      assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 60);
    }
    assert.equal(receiver.posts[0]?.headers['x-relevo-event'], 'transfer.ended');
  });

  it('post only what was asked for, and sign nothing without a secret', async () => {
    const webhooks = open([hook({ events: ['call.started'], secret: null })]);
    tell(webhooks, started(), withBot(), ended());
    await receiver.has(1);
    await webhooks.close();
    assert.equal(receiver.posts.length, 1);
    assert.equal(receiver.posts[0]?.headers['x-relevo-signature'], undefined);
  });

  it('repeat under the same delivery id after 5xx, 429 and a broken connection', async () => {
    receiver.answers = [500, { status: 429, headers: { 'retry-after': '0' } }, 503];
    const webhooks = open([hook()]);
    tell(webhooks, started(), transferEnded());
    await receiver.has(4);
    const ids = receiver.posts.map(({ headers }) => headers['x-relevo-delivery']);
    assert.deepEqual(ids, ['e-0', 'e-0', 'e-0', 'e-0']);
    assert.deepEqual(
      receiver.posts.map(({ headers }) => headers['x-relevo-try']),
      ['1', '2', '3', '4'],
    );
    const { delivered, retried, failed } = await settled(webhooks);
    assert.deepEqual([delivered, retried, failed], [1, 3, 0]);
  });

  it('give up after the last try, and go on with the next event', async () => {
    receiver.answers = [500, 500];
    const webhooks = open([hook({ retries: 1 })]);
    tell(webhooks, started(), transferEnded(), ended());
    await receiver.has(3);
    const { delivered, failed } = await settled(webhooks);
    assert.deepEqual([delivered, failed], [1, 1]);
  });

  it('follow no redirect and do not repeat what the receiver refuses', async () => {
    receiver.answers = [{ status: 302, headers: { location: `${receiver.url}/elsewhere` } }, 404];
    const webhooks = open([hook()]);
    tell(webhooks, started(), transferEnded(), ended());
    const { rejected } = await settled(webhooks);
    assert.equal(rejected, 2);
    assert.deepEqual(
      receiver.posts.map(({ path }) => path),
      ['/hook', '/hook'],
    );
  });

  it('give a try up after its time', async () => {
    receiver.answers = ['hang'];
    const webhooks = open([hook({ timeoutMs: 100 })]);
    tell(webhooks, started(), transferEnded());
    await receiver.has(2);
    const { delivered, retried } = await settled(webhooks);
    assert.deepEqual([delivered, retried], [1, 1]);
  });

  it('let a receiver that hangs hold up no other one', async () => {
    const dead = await Receiver.open();
    dead.answers = Array.from({ length: 100 }, () => 'hang' as const);
    const webhooks = open([hook({ url: dead.url, timeoutMs: 60_000 }), hook()], { closeMs: 10 });
    const calls = Array.from({ length: 20 }, (_, index) => `c${index}`);
    tell(webhooks, ...calls.flatMap((id) => [started(id), ended(id)]));
    await receiver.has(20);
    await webhooks.close();
    await dead.close();
  });

  it('lose the oldest events, counted, where the queue is full', async () => {
    receiver.answers = ['hang'];
    const webhooks = open([hook({ timeoutMs: 60_000 })], { queue: 10, lanes: 1, closeMs: 10 });
    tell(webhooks, started(), ...Array.from({ length: 50 }, () => transferEnded()));
    assert.deepEqual([statsOf(webhooks).waiting, statsOf(webhooks).lost], [10, 40]);
    await webhooks.close();
    const { waiting, lost, failed } = statsOf(webhooks);
    assert.deepEqual([waiting, lost + failed], [0, 50]);
  });

  it('send what waits when the node ends, without waiting for the next try', async () => {
    receiver.answers = [500];
    const webhooks = open([hook()], { firstBackoffMs: 3_600_000, maxBackoffMs: 3_600_000 });
    tell(webhooks, started(), transferEnded(), ended());
    await receiver.has(1);
    await webhooks.close();
    assert.equal(statsOf(webhooks).delivered, 2);
  });

  it('keep the queue of a receiver that a reload leaves as it was, and flush one that it takes away', async () => {
    const other = await Receiver.open();
    const webhooks = open([hook()]);
    tell(webhooks, started(), transferEnded());
    webhooks.set([hook({ url: other.url })]);
    tell(webhooks, started(), transferEnded());
    await Promise.all([receiver.has(1), other.has(1)]);
    await webhooks.close();
    const delivered = [...webhooks.stats().values()].map((stats) => stats.delivered);
    assert.deepEqual(delivered, [1, 1]);
    await other.close();
  });

  it('are signed as documented', () => {
    // printf '%s' '1700000000.{}' | openssl dgst -sha256 -hmac key
    const digest = '9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae';
    assert.equal(signatureOf('key', 1_700_000_000, '{}'), `t=1700000000,v1=${digest}`);
  });
});
