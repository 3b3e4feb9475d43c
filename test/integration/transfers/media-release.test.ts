import assert from 'node:assert/strict';
import { peerSdp } from '../../../bench/peer/sip-text.js';
import { writeRtpHeader } from '../../../src/rtp/packet.js';
import { tone } from '../../../src/demo/audio/audio-source.js';
import type { DemoCall } from '../../../src/demo/demo-call.js';
import { DemoUserAgent } from '../../../src/demo/user-agent.js';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import type { CallNote, CallView } from '../../../src/observe/call-view.js';
import {
  NUMBERS,
  startNodeUnderTest,
  type NodeUnderTest,
  type NodeUnderTestOptions,
} from '../../support/node-under-test.js';
import { LightPeer, type Incoming } from '../soak/light-peer.js';

const [CALLER_HZ, BOT_HZ, AGENT_HZ] = [500, 900, 1300] as const;
const WITHIN = { withinMs: 15_000 };
const RELEASED: NodeUnderTestOptions = {
  carrierTrunk: ', media_release: true',
  agentTrunk: ', media_release: true',
  patient: true,
};
/** Packets that go between the two alone, so many that it is no chance. */
const ENOUGH = 100;

const noted =
  (name: string, times = 1) =>
  ({ notes }: CallView): boolean =>
    notes.filter((note) => note.name === name).length >= times;
const notesOf = (call: CallView, name: string): CallNote[] => call.notes.filter((note) => note.name === name);

async function transfer(node: NodeUnderTest): Promise<void> {
  const { callId } = await node.newestCall((call) => call.state === 'with_bot');
  const response = await node.api(`/v1/calls/${callId}/transfers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  assert.equal(response.status, 202);
}

describe('audio past the node after a hand-over, on the wire', function () {
  this.timeout(90_000);
  const open: { close(): unknown }[] = [];
  let node: NodeUnderTest;
  let workers: MediaWorkers[] = [];
  afterEach(async () => {
    workers = [];
    for (const one of open.splice(0).reverse()) await one.close();
  });
  async function start(options = RELEASED): Promise<void> {
    node = await startNodeUnderTest({
      ...options,
      startMediaWorkers: async (more) => {
        const started = await startMediaWorkers(more);
        workers.push(started);
        return started;
      },
    });
    open.push(node);
  }

  describe('between two user agents with tones', () => {
    const heardByCaller: string[] = [];
    let caller: DemoCall;
    let agent: DemoCall;

    beforeEach(() => {
      heardByCaller.length = 0;
    });

    async function handOver(): Promise<CallView> {
      await start();
      const peer = async (name: string, hz: number, port = 0): Promise<DemoUserAgent> => {
        const started = await DemoUserAgent.start({
          name,
          port,
          source: () => tone(hz),
          preferred: 'udp',
          onWire: ({ direction, text }) => {
            if (name === 'caller' && direction === 'in') heardByCaller.push(text);
          },
        });
        open.push(started);
        return started;
      };
      const person = await peer('201', AGENT_HZ, node.agentPort);
      await peer('bot', BOT_HZ, node.botPort);
      const atAgent = person.nextCall(15_000);
      caller = (await peer('caller', CALLER_HZ)).call(
        `sip:${NUMBERS.bridged}@127.0.0.1:${node.sipPort};transport=udp`,
      );
      await caller.answered;
      await caller.hearing.hears(BOT_HZ, WITHIN);
      await transfer(node);
      agent = await atAgent;
      return node.newestCall(noted('media_released'), 20_000);
    }

    async function hearEachOther(): Promise<void> {
      await Promise.all([caller.hearing.hears(AGENT_HZ, WITHIN), agent.hearing.hears(CALLER_HZ, WITHIN)]);
    }

    /** Both have got so many more packets, and where from. */
    async function packets(count: number): Promise<readonly [string | null, string | null]> {
      const before = [caller.rtpStats().received, agent.rtpStats().received] as const;
      while (caller.rtpStats().received < before[0] + count || agent.rtpStats().received < before[1] + count)
        await new Promise((resolve) => setTimeout(resolve, 20));
      return [caller.rtpStats().from, agent.rtpStats().from];
    }

    it('packets go from phone to phone and none through the node; both hear the other', async () => {
      await handOver();
      await hearEachOther();
      const [toCaller, toAgent] = await packets(ENOUGH);
      const [first, second] = reinvites(heardByCaller);
      assert.equal(second, undefined, 'one re-INVITE to the caller');
      const told = bodyOf(first!);
      assert.equal(toCaller, `127.0.0.1:${/^m=audio (\d+)/m.exec(told)![1]}`);
      assert.notEqual(toAgent, toCaller);
      const answered = bodyOf(
        heardByCaller.find((text) => /^SIP\/2.0 200.*\r\n(.|\r\n)*CSeq: \d+ INVITE/.test(text))!,
      );
      const origin = (text: string): string[] => /^o=(.*)\r$/m.exec(text)![1]!.split(' ');
      const [before, after] = [origin(answered), origin(told)];
      assert.deepEqual([after[0], after[1], ...after.slice(3)], [before[0], before[1], ...before.slice(3)]);
      assert.equal(Number(after[2]), Number(before[2]) + 1, 'RFC 3264 8: the version rises by one');
      assert.match(told, /^c=IN IP4 127\.0\.0\.1\r$/m);
      assert.match(told, /^m=audio \d+ RTP\/AVP 8 101\r$/m);
      assert.match(told, /^a=sendrecv\r$/m);

      const { sent } = caller.rtpStats();
      await caller.hangUp();
      const { media } = await node.newestCall((call) => call.state === 'ended');
      for (const [party, phone] of [
        ['caller', caller],
        ['agent', agent],
      ] as const) {
        const figures = Object.values(media ?? {}).find((leg) => leg.party === party)!;
        assert.ok(
          figures.packetsReceived + ENOUGH <= phone.rtpStats().sent,
          `${figures.packetsReceived} of ${sent}`,
        );
        assert.equal(figures.packetsLost, 0);
      }
    });

    it('a hold of the caller takes it back: the person hears music from the node; then it is released anew', async () => {
      await handOver();
      await hearEachOther();
      const direct = agent.rtpStats().from;
      assert.equal(await caller.hold('sendonly'), 200);
      await node.newestCall(noted('media_taken_back'));
      await agent.hearing.stopsHearing(CALLER_HZ, WITHIN);
      await fromElsewhere(agent, direct);
      assert.equal(await caller.unhold(), 200);
      const call = await node.newestCall(noted('media_released', 2), 20_000);
      await hearEachOther();
      await packets(ENOUGH);
      assert.equal(agent.rtpStats().from, direct);
      assert.deepEqual(
        notesOf(call, 'media_taken_back').map(({ detail }) => detail['cause']),
        ['hold'],
      );
      await caller.hangUp();
    });

    it('a media worker that dies meanwhile is not heard, and the next one takes the audio back', async () => {
      await handOver();
      await hearEachOther();
      const direct = caller.rtpStats().from;
      await workers.shift()!.kill!();
      const [toCaller] = await packets(ENOUGH);
      assert.equal(toCaller, direct);
      assert.equal(await caller.hold('sendonly'), 200);
      const call = await node.newestCall(noted('media_taken_back'));
      await agent.hearing.stopsHearing(CALLER_HZ, WITHIN);
      assert.deepEqual(notesOf(call, 'media_moved'), []);
      await caller.hangUp();
    });
  });

  it('no packet is lost on the way from relay to phone and back, in either direction', async () => {
    await start();
    const [caller, agent] = [new NumberedPhone('a'), new NumberedPhone('b')];
    open.push(caller, agent);
    const bot = await LightPeer.open(node.botPort, node.sipPort, (request) =>
      request.respond('200 OK', request.method === 'INVITE'),
    );
    open.push(bot);
    await agent.open(node.agentPort, node.sipPort);
    await caller.open(0, node.sipPort);
    assert.equal(await caller.peer.call(NUMBERS.bridged, 'numbered'), 200);
    caller.listenTo(caller.peer.answerOf('numbered@soak'));
    await transfer(node);
    await caller.hears(ENOUGH);
    await node.newestCall(noted('media_released'), 20_000);
    for (const phone of [caller, agent]) await phone.hears(ENOUGH);
    for (const phone of [caller, agent]) {
      const { relayed, direct, missing } = phone.heard();
      console.log(`      ${phone.name}: ${relayed} relayed, ${direct} direct, ${missing.length} lost`);
      assert.ok(relayed > 20 && direct > 20, 'both ways were heard');
      assert.ok(missing.length <= 1, `lost: ${missing.join(' ')}`);
    }
    // A session refresh leaves the caller where it is.
    const before = caller.peer.answerOf('numbered@soak');
    caller.peer.request(
      'numbered@soak',
      'INVITE',
      ['Content-Type: application/sdp'],
      peerSdp(caller.peer.port),
    );
    while (caller.peer.answerOf('numbered@soak') === before) await caller.hears(1);
    assert.match(caller.peer.answerOf('numbered@soak'), new RegExp(`^m=audio ${node.agentPort} `, 'm'));
    assert.equal(
      (await node.newestCall(noted('media_released'))).notes.some(({ name }) => name === 'media_taken_back'),
      false,
    );
    // An offer without telephone-event has the caller back with us, and for good.
    const offer = peerSdp(caller.peer.port)
      .replace(' 101', '')
      .replace(/a=rtpmap:101.*\r\n/, '');
    caller.peer.request('numbered@soak', 'INVITE', ['Content-Type: application/sdp'], offer);
    await node.newestCall(noted('media_taken_back'));
    caller.listenTo(caller.peer.answerOf('numbered@soak'));
    const call = await node.newestCall(noted('media_kept'));
    assert.deepEqual(notesOf(call, 'media_kept')[0]?.detail, { reason: 'dtmf' });
    const earlier = [caller, agent].map((phone) => phone.heard());
    for (const phone of [caller, agent]) await phone.hears(ENOUGH);
    for (const [index, phone] of [caller, agent].entries()) {
      const { relayed, missing } = phone.heard();
      console.log(`      ${phone.name}: taken back, ${missing.length} lost`);
      assert.ok(relayed > earlier[index]!.relayed + 20, 'through the node again');
      assert.ok(missing.length <= 1, `lost: ${missing.join(' ')}`);
    }
  });
});

/** The re-INVITEs among messages: INVITEs within a dialog. */
function reinvites(messages: readonly string[]): string[] {
  return messages.filter((text) => /^INVITE /.test(text) && /^To:.*;tag=/im.test(text));
}
function bodyOf(message: string): string {
  return message.slice(message.indexOf('\r\n\r\n') + 4);
}
async function fromElsewhere(call: DemoCall, than: string | null): Promise<void> {
  while (call.rtpStats().from === than) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A phone that numbers its packets in their payload, and sends where its peer's newest SDP says. */
class NumberedPhone {
  peer!: LightPeer;
  readonly name: string;
  readonly #ssrc: number;
  readonly #got: { readonly number: number; readonly ssrc: number }[] = [];
  #to = 0;
  #number = 0;
  #timer: NodeJS.Timeout | null = null;
  #more: (() => void) | null = null;

  constructor(name: string) {
    this.name = name;
    this.#ssrc = name.charCodeAt(0);
  }

  async open(port: number, nodePort: number): Promise<void> {
    const take = (request: Incoming): void => {
      if (request.method === 'INVITE') this.listenTo(request.text);
      request.respond('200 OK', request.method === 'INVITE');
    };
    this.peer = await LightPeer.open(port, nodePort, take, 'udp', (packet) => this.#take(packet));
  }

  listenTo(message: string): void {
    this.#to = Number(/^m=audio (\d+)/m.exec(message)?.[1] ?? this.#to);
    this.#timer ??= setInterval(() => this.#say(), 20);
  }

  /** So many more of the other phone's packets. */
  async hears(count: number): Promise<void> {
    const enough = this.#got.length + count;
    while (this.#got.length < enough) await new Promise<void>((resolve) => (this.#more = resolve));
  }

  /** What came of the other phone, by whom, and which numbers never did. */
  heard(): { readonly relayed: number; readonly direct: number; readonly missing: number[] } {
    const numbers = new Set(this.#got.map(({ number }) => number));
    const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
    const missing: number[] = [];
    for (let number = first; number <= last; number++) if (!numbers.has(number)) missing.push(number);
    const direct = this.#got.filter(
      ({ ssrc }) => ssrc === 'a'.charCodeAt(0) || ssrc === 'b'.charCodeAt(0),
    ).length;
    return { relayed: this.#got.length - direct, direct, missing };
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.peer.close();
  }

  #say(): void {
    const packet = Buffer.alloc(172, 0xd5);
    this.#number++;
    writeRtpHeader(packet, 0, 0, 8, this.#number & 0xffff, this.#number * 160, this.#ssrc);
    packet.write(this.name, 12, 'latin1');
    packet.writeUInt32BE(this.#number, 13);
    this.peer.say(packet, this.#to);
  }

  #take(packet: Buffer): void {
    const other = this.name === 'a' ? 'b' : 'a';
    if (packet.length !== 172 || packet.toString('latin1', 12, 13) !== other || packet[17] !== 0xd5) return;
    this.#got.push({ number: packet.readUInt32BE(13), ssrc: packet.readUInt32BE(8) });
    this.#more?.();
    this.#more = null;
  }
}
