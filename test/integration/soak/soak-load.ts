import assert from 'node:assert/strict';
import { headerOf } from '../../../bench/peer/sip-text.js';
import type { CallRecord } from '../../../src/call/call-record.js';
import type { TransferResult } from '../../../src/call/vocabulary.js';
import type { NodeUnderTest } from '../../support/node-under-test.js';
import { KINDS, type Kind } from './kinds.js';
import { LightPeer, type Incoming } from './light-peer.js';
import { Tally } from './tally.js';

const AT_ONCE = 64;
const RETRY_AFTER_MS = 250;

/** A call of the load, from its INVITE to its end. */
interface Mark {
  readonly kind: Kind;
  callId: string;
  transferId: string;
  ringing: Incoming | null;
  botCallId: string;
  withBot: () => void;
  over: () => void;
  ended: () => void;
}

/** Places calls, hands each over as its kind says, and follows it to its end. Keeps nothing of what is over. */
export class SoakLoad {
  /** What became of all transfers, as the records told it. */
  readonly tally = new Tally();
  readonly #node: NodeUnderTest;
  readonly #marks = new Map<string, Mark>();
  readonly #byCall = new Map<string, Mark>();
  readonly #faults: unknown[] = [];
  readonly #peers: LightPeer[] = [];
  #caller: LightPeer | null = null;
  #bot: LightPeer | null = null;
  #placed = 0;

  constructor(node: NodeUnderTest) {
    this.#node = node;
    // A node that ended by itself ends no call: nothing could be waited for.
    void node.node.ended.then(({ failure }) => {
      if (failure) throw failure;
    });
    node.node.observer.onRecord((record) => this.#onRecord(record));
  }

  async openPeers(): Promise<void> {
    const { sipPort, botPort, agentPort, secondAgentPort } = this.#node;
    this.#caller = await this.#open(0, sipPort, (request) => this.#callerAsked(request));
    this.#bot = await this.#open(botPort, sipPort, (request) => this.#botAsked(request));
    const agent = await this.#open(
      agentPort,
      sipPort,
      (request) => this.#personAsked(agent, request, (kind) => kind.person ?? 'rings'),
      'tcp',
    );
    const second = await this.#open(
      secondAgentPort,
      sipPort,
      (request) => this.#personAsked(second, request, (kind) => kind.colleague ?? 'rings'),
      'tcp',
    );
  }

  /** Places so many calls more, a few at once; resolves when all of them have ended. */
  async run(count: number): Promise<void> {
    const last = this.#placed + count;
    const lane = async (): Promise<void> => {
      while (this.#placed < last) await this.#one(this.#placed++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    assert.deepEqual(this.#faults, []);
    assert.equal(this.#marks.size, 0);
  }

  close(): void {
    for (const peer of this.#peers) peer.close();
  }

  async #open(
    port: number,
    nodePort: number,
    asked: (request: Incoming) => void,
    transport: 'udp' | 'tcp' = 'udp',
  ): Promise<LightPeer> {
    const peer = await LightPeer.open(port, nodePort, asked, transport);
    this.#peers.push(peer);
    return peer;
  }

  async #one(index: number): Promise<void> {
    const name = `m${index}`;
    const kind = KINDS[index % KINDS.length]!;
    let withBot = (): void => undefined;
    let over = (): void => undefined;
    let ended = (): void => undefined;
    const bot = new Promise<void>((resolve) => (withBot = resolve));
    const result = new Promise<void>((resolve) => (over = resolve));
    const end = new Promise<void>((resolve) => (ended = resolve));
    const mark: Mark = {
      kind,
      callId: '',
      transferId: '',
      ringing: null,
      botCallId: '',
      withBot,
      over,
      ended,
    };
    this.#marks.set(name, mark);
    await this.#call(kind.number, name);
    await bot;
    // By the API, and by the digit that the project's rule waits for, in turn.
    if (index % 2 === 0) {
      const answer = await this.#api(`/v1/calls/${mark.callId}/transfers`, 'POST');
      assert.equal(answer.status, 202, await answer.text());
    } else {
      const headers = ['Content-Type: application/dtmf-relay'];
      this.#caller!.request(`${name}@soak`, 'INFO', headers, 'Signal=0\r\nDuration=160\r\n');
    }
    await result;
    // The caller's side of a completed REFER and of a call that stays leaves by its own BYE.
    this.#caller!.request(`${name}@soak`, 'BYE');
    await end;
    this.#marks.delete(name);
    this.#byCall.delete(mark.callId);
  }

  /** A node that sheds calls (the machine may be busy with other things) is asked again. */
  async #call(number: string, name: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      const status = await this.#caller!.call(number, name);
      if (status === 200) return;
      assert.ok(status === 503 && tries < 100, `${name} was answered ${status}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
    }
  }

  #api(path: string, method: string): Promise<Response> {
    // A connection of its own each: none is left open when files are counted.
    const headers = { connection: 'close' };
    if (method !== 'POST') return this.#node.api(path, { method, headers });
    return this.#node.api(path, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{}',
    });
  }

  /** Both the transfer's id and the ringing phone are needed; whichever comes last acts. */
  #meanwhile(name: string, mark: Mark): void {
    const { kind, transferId, ringing, callId } = mark;
    if (kind.meanwhile === undefined || transferId === '' || ringing === null) return;
    if (kind.meanwhile === 'caller hangs up') {
      this.#caller!.request(`${name}@soak`, 'BYE');
    } else if (kind.meanwhile === 'bot hangs up') {
      this.#bot!.request(mark.botCallId, 'BYE');
      mark.ringing = null;
      ringing.respond('200 OK', true);
    } else {
      this.#api(`/v1/calls/${callId}/transfers/${transferId}`, 'DELETE')
        .then(async (answer) => {
          if (answer.status >= 300) this.#faults.push(await answer.text());
        })
        .catch((error: unknown) => this.#faults.push(error));
    }
  }

  #botAsked(request: Incoming): void {
    const mark = this.#marks.get(request.mark);
    if (request.method === 'INVITE' && mark) {
      mark.callId = headerOf(request.text, 'X-Relevo-Call-Id');
      mark.botCallId = request.callId;
      this.#byCall.set(mark.callId, mark);
    }
    request.respond('200 OK', request.method === 'INVITE');
  }

  #personAsked(peer: LightPeer, request: Incoming, answerOf: (kind: Kind) => string): void {
    const { method, mark: name, callId } = request;
    if (method === 'CANCEL') {
      request.respond('200 OK');
      for (const mark of this.#marks.values())
        if (mark.ringing?.callId === callId) {
          mark.ringing.respond('487 Request Terminated');
          mark.ringing = null;
        }
      return;
    }
    const mark = this.#marks.get(name);
    if (method !== 'INVITE' || !mark || headerOf(request.text, 'To').includes(';tag=')) {
      request.respond('200 OK', method === 'INVITE');
      return;
    }
    const { kind } = mark;
    const isReplacing = headerOf(request.text, 'Replaces') !== '';
    if (isReplacing) {
      const answer = kind.replaced ?? '200 OK';
      request.respond(answer, answer.startsWith('200'));
      return;
    }
    request.respond('180 Ringing');
    const answer = answerOf(kind);
    if (answer === 'rings') {
      mark.ringing = request;
      this.#meanwhile(name, mark);
      return;
    }
    request.respond(answer, answer.startsWith('200'));
    if (!answer.startsWith('200')) return;
    if (kind.then === 'hangs up') peer.request(callId, 'BYE');
    else if (kind.then === 'presses 1')
      peer.request(callId, 'INFO', ['Content-Type: application/dtmf-relay'], 'Signal=1\r\n');
  }

  #callerAsked(request: Incoming): void {
    const { method, callId } = request;
    const refer = this.#marks.get(callId.replace('@soak', ''))?.kind.refer;
    if (method !== 'REFER' || !refer) {
      request.respond('200 OK', method === 'INVITE');
      return;
    }
    request.respond(refer.answer);
    if (refer.thenBye) this.#caller!.request(callId, 'BYE');
    if (refer.notify === undefined) return;
    const headers = [
      'Event: refer',
      'Subscription-State: terminated;reason=noresource',
      'Content-Type: message/sipfrag;version=2.0',
    ];
    const status = refer.notify === '' ? '180 Ringing' : refer.notify;
    this.#caller!.request(callId, 'NOTIFY', headers, `SIP/2.0 ${status}\r\n`);
  }

  #onRecord(record: CallRecord): void {
    const mark = this.#byCall.get(record.callId);
    if (!mark) return;
    if (record.kind === 'call.state' && record.state === 'with_bot') mark.withBot();
    else if (record.kind === 'transfer.started') this.#started(mark, record.transferId);
    else if (record.kind === 'transfer.ended') this.#ended(mark, record.result);
    else if (record.kind === 'call.ended') mark.ended();
  }

  #started(mark: Mark, transferId: string): void {
    if (mark.transferId !== '') this.#faults.push(`${mark.kind.name}: a second transfer began`);
    mark.transferId = transferId;
    for (const [name, one] of this.#marks) if (one === mark) this.#meanwhile(name, mark);
  }

  #ended({ kind, transferId, over }: Mark, result: TransferResult): void {
    if (result.transferId !== transferId) this.#faults.push(`${result.transferId} was not begun`);
    if (!this.tally.add(result)) this.#faults.push(`${transferId} ended twice`);
    if (result.outcome !== kind.outcome || result.attempts.length !== kind.attempts)
      this.#faults.push(`${kind.name}: ${JSON.stringify(result)}`);
    over();
  }
}
