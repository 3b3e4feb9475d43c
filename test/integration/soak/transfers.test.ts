import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headerOf } from '../../../bench/peer/sip-text.js';
import type { TrunkView } from '../../../src/api/trunk-schema.js';
import type { CallRecord } from '../../../src/call/call-record.js';
import type { TransferOutcome, TransferResult } from '../../../src/call/vocabulary.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../../support/node-under-test.js';
import { LightPeer, type Incoming } from './light-peer.js';

/** How one kind of transfer goes: what the person and the caller's side do, and what must come of it. */
interface Kind {
  readonly number: string;
  readonly outcome: TransferOutcome;
  readonly attempts: number;
  /** The person's final answer to the INVITE; `rings` never answers. */
  readonly person?: '200 OK' | '486 Busy Here' | '603 Decline' | 'rings';
  /** Who answers the second attempt of a chain. */
  readonly colleague?: '200 OK';
  /** The caller's side's answer to REFER, and the status of its NOTIFY. */
  readonly refer?: { readonly answer: string; readonly notify?: string };
  /** What is done while the person's phone rings. */
  readonly meanwhile?: 'caller hangs up' | 'cancel';
  readonly digit?: string;
}

const KINDS: readonly Kind[] = [
  { number: NUMBERS.basic, outcome: 'completed', attempts: 1, person: '200 OK' },
  { number: NUMBERS.basic, outcome: 'busy', attempts: 1, person: '486 Busy Here' },
  { number: NUMBERS.basic, outcome: 'declined', attempts: 1, person: '603 Decline' },
  { number: NUMBERS.basic, outcome: 'no_answer', attempts: 1, person: 'rings' },
  {
    number: NUMBERS.refer,
    outcome: 'completed',
    attempts: 1,
    refer: { answer: '202 Accepted', notify: '200 OK' },
  },
  {
    number: NUMBERS.refer,
    outcome: 'busy',
    attempts: 1,
    refer: { answer: '202 Accepted', notify: '486 Busy Here' },
  },
  {
    number: NUMBERS.refer,
    outcome: 'refer_rejected',
    attempts: 1,
    refer: { answer: '405 Method Not Allowed' },
  },
  { number: NUMBERS.chain, outcome: 'completed', attempts: 2, person: '486 Busy Here', colleague: '200 OK' },
  {
    number: NUMBERS.basic,
    outcome: 'caller_gone',
    attempts: 1,
    person: 'rings',
    meanwhile: 'caller hangs up',
  },
  { number: NUMBERS.basic, outcome: 'cancelled', attempts: 1, person: 'rings', meanwhile: 'cancel' },
  { number: NUMBERS.attended, outcome: 'completed', attempts: 1, person: '200 OK', digit: '1' },
];
const TRANSFERS = Number(process.env['RELEVO_SOAK'] ?? 200);
const AT_ONCE = 20;
const RSS_GROWTH_MB = 150;

describe('transfers at load', function () {
  this.timeout(60_000 + TRANSFERS * 1000);
  let folder: string;
  let node: NodeUnderTest;
  let peers: LightPeer[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relevo-'));
    node = await startNodeUnderTest({ limits: `observe: { cdr: { file: "${folder}/cdr.jsonl" } }` });
    peers = [];
  });
  afterEach(async () => {
    for (const peer of peers) peer.close();
    await node.close();
    await rm(folder, { recursive: true });
  });

  it(`${TRANSFERS}, mixed methods and failures: each ends in its one result, and nothing is left`, async () => {
    const run = new Soak(node);
    peers = await run.openPeers();
    const rss = [rssMb()];
    const half = Math.floor(TRANSFERS / 2);
    await run.transfers(0, half);
    rss.push(rssMb());
    await run.transfers(half, TRANSFERS);
    rss.push(rssMb());
    await run.callsEnded(TRANSFERS);

    // One result each, the expected one, the same in events, API, metrics and CDR.
    const results = new Map<string, TransferResult>();
    for (const result of run.results) {
      assert.ok(!results.has(result.transferId), `${result.transferId} ended once`);
      results.set(result.transferId, result);
    }
    assert.equal(results.size, TRANSFERS);
    for (const [transferId, kind] of run.started) {
      const { outcome, attempts, detail } = results.get(transferId)!;
      assert.equal(outcome, kind.outcome, `${JSON.stringify(kind)}: ${detail}`);
      assert.equal(attempts.length, kind.attempts, JSON.stringify(attempts));
    }
    const metrics = await metricsOf(node, /relevo_media_ports\{state="in_use"\} 0/);
    assert.equal(sumOf(metrics, /^relevo_transfers_total\{.*\} (\d+)$/gm), TRANSFERS);
    assert.equal(sumOf(metrics, /^relevo_calls_ended_total\{.*\} (\d+)$/gm), TRANSFERS);
    assert.equal(sumOf(metrics, /^relevo_calls\{.*\} (\d+)$/gm), 0);
    const { trunks } = (await (await node.api('/v1/trunks')).json()) as { trunks: TrunkView[] };
    for (const { name, callsIn, callsOut } of trunks)
      assert.deepEqual([name, callsIn, callsOut], [name, 0, 0]);
    await node.close();
    const lines = (await readFile(`${folder}/cdr.jsonl`, 'utf8')).trim().split('\n');
    const written = lines.flatMap((line) => (JSON.parse(line) as { transfers: TransferResult[] }).transfers);
    assert.equal(lines.length, TRANSFERS);
    for (const result of written) assert.deepEqual(result, results.get(result.transferId));
    assert.equal(written.length, TRANSFERS);

    const [start = 0, middle = 0, end = 0] = rss;
    console.log(
      `      resident memory: ${start} MB at the start, ${middle} MB halfway, ${end} MB at the end`,
    );
    assert.ok(end - middle < RSS_GROWTH_MB, `the second half took ${end - middle} MB more`);
  });
});

/** Places calls, hands each over as its kind says, and follows it to its end. */
class Soak {
  readonly results: TransferResult[] = [];
  /** The kind of each transfer. */
  readonly started = new Map<string, Kind>();
  readonly #node: NodeUnderTest;
  readonly #kinds = new Map<string, Kind>();
  readonly #callIds = new Map<string, string>();
  readonly #transferIds = new Map<string, string>();
  readonly #waiting = new Map<string, () => void>();
  readonly #ringing = new Map<string, Incoming>();
  readonly #faults: unknown[] = [];
  #caller: LightPeer | null = null;
  #ended = 0;

  constructor(node: NodeUnderTest) {
    this.#node = node;
    node.node.observer.onRecord((record) => this.#onRecord(record));
  }

  async openPeers(): Promise<LightPeer[]> {
    const { sipPort, botPort, agentPort, secondAgentPort } = this.#node;
    this.#caller = await LightPeer.open(0, sipPort, (request) => this.#callerAsked(request));
    const bot = await LightPeer.open(botPort, sipPort, (request) => {
      if (request.method === 'INVITE' && request.mark !== '')
        this.#callIds.set(request.mark, headerOf(request.text, 'X-Relevo-Call-Id'));
      request.respond('200 OK', request.method === 'INVITE');
    });
    const agent: LightPeer = await LightPeer.open(agentPort, sipPort, (request) =>
      this.#personAsked(agent, request, (kind) => kind.person ?? 'rings'),
    );
    const second: LightPeer = await LightPeer.open(secondAgentPort, sipPort, (request) =>
      this.#personAsked(second, request, (kind) => kind.colleague ?? 'rings'),
    );
    return [this.#caller, bot, agent, second];
  }

  /** Calls number `from` to `to`, a few at once. */
  async transfers(from: number, to: number): Promise<void> {
    let next = from;
    const lane = async (): Promise<void> => {
      while (next < to) await this.#one(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    assert.deepEqual(this.#faults, []);
  }

  async callsEnded(count: number): Promise<void> {
    while (this.#ended < count) await this.#hear('ended');
  }

  async #one(index: number): Promise<void> {
    const mark = `m${index}`;
    const kind = KINDS[index % KINDS.length]!;
    this.#kinds.set(mark, kind);
    assert.equal(await this.#caller!.call(kind.number, mark), 200);
    const callId = this.#callIds.get(mark)!;
    const over = this.#hear(callId);
    await this.#withBot(callId);
    const answer = await this.#node.api(`/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(answer.status, 202, await answer.clone().text());
    const { transferId } = (await answer.json()) as { transferId: string };
    this.started.set(transferId, kind);
    this.#transferIds.set(mark, transferId);
    this.#meanwhile(mark);
    await over;
    // The caller's side of a completed REFER and of a call that stays leaves by its own BYE.
    this.#caller!.request(`${mark}@soak`, 'BYE');
  }

  async #withBot(callId: string): Promise<void> {
    while (this.#node.node.observer.book.get(callId)?.state !== 'with_bot')
      await new Promise((resolve) => setImmediate(resolve));
  }

  /** Both the transfer's id and the ringing phone are needed; whichever comes last acts. */
  #meanwhile(mark: string): void {
    const kind = this.#kinds.get(mark);
    const transferId = this.#transferIds.get(mark);
    if (kind?.meanwhile === undefined || transferId === undefined || !this.#ringing.has(mark)) return;
    if (kind.meanwhile === 'caller hangs up') {
      this.#caller!.request(`${mark}@soak`, 'BYE');
      return;
    }
    const path = `/v1/calls/${this.#callIds.get(mark) ?? ''}/transfers/${transferId}`;
    this.#node.api(path, { method: 'DELETE' }).catch((error: unknown) => this.#faults.push(error));
  }

  #personAsked(peer: LightPeer, request: Incoming, answerOf: (kind: Kind) => string): void {
    const { method, mark } = request;
    if (method === 'CANCEL') {
      request.respond('200 OK');
      for (const [name, ringing] of this.#ringing)
        if (ringing.callId === request.callId) {
          ringing.respond('487 Request Terminated');
          this.#ringing.delete(name);
        }
      return;
    }
    const kind = this.#kinds.get(mark);
    if (method !== 'INVITE' || !kind) {
      request.respond('200 OK', method === 'INVITE');
      return;
    }
    request.respond('180 Ringing');
    const answer = answerOf(kind);
    if (answer === 'rings') {
      this.#ringing.set(mark, request);
      this.#meanwhile(mark);
      return;
    }
    request.respond(answer, answer.startsWith('200'));
    if (kind.digit !== undefined && answer.startsWith('200'))
      peer.request(
        request.callId,
        'INFO',
        ['Content-Type: application/dtmf-relay'],
        `Signal=${kind.digit}\r\n`,
      );
  }

  #callerAsked(request: Incoming): void {
    const { method, callId } = request;
    const refer = this.#kinds.get(callId.replace('@soak', ''))?.refer;
    if (method !== 'REFER' || !refer) {
      request.respond('200 OK', method === 'INVITE');
      return;
    }
    request.respond(refer.answer);
    if (refer.notify === undefined) return;
    const headers = [
      'Event: refer',
      'Subscription-State: terminated;reason=noresource',
      'Content-Type: message/sipfrag;version=2.0',
    ];
    this.#caller!.request(callId, 'NOTIFY', headers, `SIP/2.0 ${refer.notify}\r\n`);
  }

  #onRecord(record: CallRecord): void {
    if (record.kind === 'transfer.ended') {
      this.results.push(record.result);
      this.#tell(record.callId);
    } else if (record.kind === 'call.ended') {
      this.#ended++;
      this.#tell('ended');
    }
  }

  #hear(name: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(name, resolve));
  }

  #tell(name: string): void {
    this.#waiting.get(name)?.();
    this.#waiting.delete(name);
  }
}

const rssMb = (): number => Math.round(process.memoryUsage.rss() / 2 ** 20);

/** The metrics once they show what is to come: readings are up to a second old. */
async function metricsOf(node: NodeUnderTest, wanted: RegExp): Promise<string> {
  for (let tries = 0; ; tries++) {
    const text = await (await node.api('/metrics')).text();
    if (wanted.test(text) || tries > 100) {
      assert.match(text, wanted);
      return text;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function sumOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
}
