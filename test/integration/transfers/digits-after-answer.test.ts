import assert from 'node:assert/strict';
import { parseRtpPacket, type ParsedRtpPacket } from 'rtp-parser';
import { sequenceDistance, timestampDistance } from '../../../src/rtp/sequence.js';
import { startNodeUnderTest, NUMBERS, type NodeUnderTest } from '../../support/node-under-test.js';
import { LightPeer } from '../soak/light-peer.js';

const EVENTS = 101;
const AUDIO = 8;
const TICKS_PER_MS = 8;
/** RFC 4733 3.2: the codes of 2, 0, 1 and #. */
const DIALLED = [2, 0, 1, 11];

interface Packet extends ParsedRtpPacket {
  readonly atMs: number;
}

describe('digits after the answer, as the agent hears them (RFC 4733)', function () {
  this.timeout(30_000);
  let node: NodeUnderTest;
  const peers: LightPeer[] = [];
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.close();
    await node.close();
  });

  it('an extension ;postd=p201#: a pause, then each digit as one event in the one stream of audio', async () => {
    node = await startNodeUnderTest({ agentUser: '200;postd=p201#' });
    const heard: Packet[] = [];
    let answeredAtMs = 0;
    let whole: () => void = () => undefined;
    const dialled = new Promise<void>((resolve) => (whole = resolve));
    let after = 0;
    const listen = (bytes: Buffer): void => {
      const packet = { ...parseRtpPacket(bytes), atMs: performance.now() };
      heard.push(packet);
      const ended = heard.some(({ payloadType, payload }) => payloadType === EVENTS && payload[0] === 11);
      if (ended && packet.payloadType === AUDIO && ++after === 10) whole();
    };
    peers.push(
      await LightPeer.open(
        node.agentPort,
        node.sipPort,
        (request) => {
          request.respond('200 OK', request.method === 'INVITE');
          if (request.method === 'INVITE') answeredAtMs = performance.now();
        },
        'udp',
        listen,
      ),
      await LightPeer.open(node.botPort, node.sipPort, (request) =>
        request.respond('200 OK', request.method === 'INVITE'),
      ),
    );
    const caller = await LightPeer.open(0, node.sipPort, (request) => request.respond('200 OK'));
    peers.push(caller);
    assert.equal(await caller.call(NUMBERS.bridged, 'digits'), 200);
    const { callId } = await node.newestCall((call) => call.state === 'with_bot');
    await node.api(`/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    await dialled;

    // One stream: one SSRC, no sequence number missing, a clock that never goes back.
    assert.equal(new Set(heard.map(({ ssrc }) => ssrc)).size, 1);
    for (const [index, packet] of heard.entries()) {
      const before = heard[index - 1];
      if (!before) continue;
      assert.equal(sequenceDistance(packet.sequenceNumber, before.sequenceNumber), 1, `packet ${index}`);
      assert.ok(timestampDistance(packet.timestamp, before.timestamp) >= 0, `packet ${index}`);
    }

    const events = eventsOf(heard);
    assert.deepEqual(
      events.map((event) => event[0]!.payload[0]),
      DIALLED,
    );
    for (const event of events) {
      const [first, ...rest] = event;
      assert.equal(first!.marker, 1, 'the first packet of an event is marked');
      assert.ok(rest.every(({ marker }) => marker === 0));
      const durations = event.map(({ payload }) => payload.readUInt16BE(2));
      const ends = event.filter(({ payload }) => (payload[1]! & 0x80) !== 0);
      assert.equal(ends.length, 3, 'the end is sent three times');
      assert.ok(durations.every((duration, index) => index === 0 || duration >= durations[index - 1]!));
      assert.equal(new Set(durations.slice(-3)).size, 1, 'the three ends agree');
      const lastsMs = durations.at(-1)! / TICKS_PER_MS;
      assert.ok(lastsMs >= 40 && lastsMs <= 240, `${lastsMs} ms is a digit that receivers take`);
      assert.equal(event[0]!.payload[1]! & 0x3f, 10, '-10 dBm0');
    }
    for (const [index, event] of events.entries()) {
      const before = events[index - 1];
      if (!before) continue;
      const start = before[0]!.timestamp + before.at(-1)!.payload.readUInt16BE(2);
      const silenceMs = timestampDistance(event[0]!.timestamp, start >>> 0) / TICKS_PER_MS;
      assert.ok(silenceMs >= 40, `${silenceMs} ms between digits are enough to tell them apart`);
    }
    assert.ok(events[0]![0]!.atMs - answeredAtMs >= 950, 'p waits a second');
  });
});

/** The event packets, those of one event together: they share their timestamp (RFC 4733 2.5.1.2). */
function eventsOf(heard: readonly Packet[]): Packet[][] {
  const events = new Map<number, Packet[]>();
  for (const packet of heard) {
    if (packet.payloadType !== EVENTS) continue;
    const known = events.get(packet.timestamp);
    if (known) known.push(packet);
    else events.set(packet.timestamp, [packet]);
  }
  return [...events.values()];
}
