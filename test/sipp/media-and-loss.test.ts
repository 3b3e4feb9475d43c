import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import { freeMediaPort, freePort } from '../support/free-ports.js';
import { udpPayloads } from '../support/pcap.js';
import { sippAvailable, startSipp, succeeded } from '../support/sipp.js';

interface RtpParser {
  parseRtpPacket(packet: Buffer): {
    version: number;
    payloadType: number;
    sequenceNumber: number;
    timestamp: number;
    ssrc: number;
    payload: Buffer;
  };
}
const rtpParser = createRequire(import.meta.url)('rtp-parser') as RtpParser;

const CAPTURE = '/usr/share/sip-tester/g711a.pcap';
const A_LAW_SILENCE = 0xd5;

describe('SIPp: audio from a capture, and lost messages', function () {
  this.timeout(90_000);
  let node: NodeUnderTest;
  let receiver: Socket;

  before(async function () {
    if (!sippAvailable()) {
      process.stdout.write('  SIPp is not installed: these tests are skipped (apt-get install sip-tester)\n');
      this.skip();
    }
    node = await startNodeUnderTest();
    receiver = createSocket('udp4');
    receiver.bind(0, '127.0.0.1');
    await once(receiver, 'listening');
  });

  after(async () => {
    receiver.close();
    await node.close();
  });

  it('delivers the capture that the caller plays to the bot, byte for byte, as one unbroken RTP stream', async function () {
    if (process.getuid?.() !== 0) {
      process.stdout.write('      SIPp plays captures through a raw socket, which needs root: skipped\n');
      this.skip();
    }
    const packets: Buffer[] = [];
    receiver.on('message', (packet) => packets.push(Buffer.from(packet)));
    const bot = await startSipp({
      scenario: 'bot-answers-media-elsewhere',
      port: node.botPort,
      args: ['-key', 'rtp_port', String(receiver.address().port), '-mp', String(await freeMediaPort())],
    });
    const caller = await startSipp({
      scenario: 'caller-plays-capture',
      port: await freePort(),
      target: node.target,
      service: NUMBERS.basic,
      args: ['-mp', String(await freeMediaPort())],
    });
    await succeeded(caller, 'caller');
    await succeeded(bot, 'bot');
    receiver.removeAllListeners('message');

    const stream = packets.map((packet) => rtpParser.parseRtpPacket(packet));
    assert.equal(new Set(stream.map((packet) => packet.ssrc)).size, 1, 'one SSRC');
    for (const [index, packet] of stream.entries()) {
      const previous = stream[index - 1];
      assert.equal(packet.version, 2);
      assert.equal(packet.payloadType, 8);
      if (!previous) continue;
      assert.equal(
        (packet.sequenceNumber - previous.sequenceNumber) & 0xffff,
        1,
        `sequence at packet ${index}`,
      );
      assert.equal(
        (packet.timestamp - previous.timestamp) >>> 0,
        previous.payload.length,
        `timestamp at packet ${index}`,
      );
    }
    const heard = Buffer.concat(
      stream
        .map((packet) => packet.payload)
        .filter((audio) => !audio.every((byte) => byte === A_LAW_SILENCE)),
    );
    const played = Buffer.concat(
      udpPayloads(CAPTURE)
        .map((packet) => rtpParser.parseRtpPacket(packet).payload)
        .filter((audio) => !audio.every((byte) => byte === A_LAW_SILENCE)),
    );
    const overlap = heard.subarray(0, Math.min(heard.length, played.length));
    assert.ok(overlap.length > 8000, `more than a second of it arrived (${overlap.length} bytes)`);
    assert.ok(played.includes(overlap), 'what the bot received is what the capture holds');
  });

  it('carries 20 calls although each side loses one message in ten', async () => {
    const calls = 20;
    const requestsSeen = async (): Promise<number> => {
      const text = await (await node.api('/metrics')).text();
      const counts = text.matchAll(/^relevo_sip_traced_messages_total\{.*status="request"\} (\d+)$/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const before = await requestsSeen();
    const bot = await startSipp({
      scenario: 'bot-answers',
      port: node.botPort,
      calls,
      rate: 10,
      args: ['-lost', '10'],
      timeoutMs: 80_000,
    });
    const caller = await startSipp({
      scenario: 'caller-basic-lossy',
      port: await freePort(),
      target: node.target,
      service: NUMBERS.basic,
      calls,
      rate: 10,
      args: ['-lost', '10'],
      timeoutMs: 80_000,
    });
    await succeeded(caller, 'caller that loses messages');
    await bot.close();
    await node.newestCall((call) => call.endedAt !== null, 40_000);
    const until = Date.now() + 40_000;
    for (;;) {
      const { live } = (await (await node.api('/v1/calls?limit=1')).json()) as { live: number };
      if (live === 0) break;
      assert.ok(Date.now() < until, `${live} calls are left`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // INVITE, ACK and BYE on each side: without a repetition among them nothing was lost, and nothing was tried.
    const seen = (await requestsSeen()) - before;
    assert.ok(seen > 6 * calls, `requests were repeated (${seen} for ${calls} calls)`);
  });
});
