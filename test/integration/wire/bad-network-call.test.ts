import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toneShare } from '../../../src/rtp/goertzel.js';
import { header } from '../../conformance/drachtio/support/sip-text.js';
import { freePort } from '../../support/free-ports.js';
import { startNodeUnderTest, type NodePorts, type NodeUnderTest } from '../../support/node-under-test.js';
import { until } from '../hostile/support/hostile-node.js';
import { rtpPort } from '../hostile/support/talk.js';
import { ImpairedHop, type Impairment } from './support/impaired-hop.js';
import { SipEnd } from './support/sip-end.js';
import { pressesIn, toneIn } from './support/stream-reading.js';

const HZ = { caller: 1500, bot: 1900, agent: 2700 } as const;
const BAD: Impairment = { loss: 0.05, duplication: 0.03, jitterMs: 60, bursts: 0.005, burstLength: 3 };
const WITHIN_MS = 30_000;
const NUMBER = '1000';

function config(ports: NodePorts, recordings: string): string {
  return `
listen: [{ transport: udp, address: 127.0.0.1, port: ${ports.sip} }]
media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8] }
  desk: { hosts: ["sip:127.0.0.1:${ports.agent}"] }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${ports.bot}" }
destinations:
  agent: { type: extension, extension: "201", trunk: desk, ring_timeout: 60s }
projects:
  recorded:
    match: [{ trunk: carrier, to: "${NUMBER}" }]
    bot: bot
    recording: { directory: ${recordings} }
    transfer: { to: agent, method: invite, waiting: music, timers: { total: 120s } }
    rules: [{ name: pressed zero, dtmf: "0", reason: user_request }]
`;
}

describe('a whole call over bad networks on every leg', function () {
  this.timeout(90_000);
  let folder: string;
  let node: NodeUnderTest;
  const open: { close(): void }[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relevo-bad-network-'));
    node = await startNodeUnderTest({ config: (ports) => config(ports, folder) });
  });
  after(async () => {
    for (const one of open) one.close();
    await node.close();
    await rm(folder, { recursive: true });
  });

  async function remote(
    hz: number,
    port: number,
    seed: number,
  ): Promise<{ end: SipEnd; hop: ImpairedHop; sdp: string }> {
    const end = await SipEnd.open(node.sipPort, hz, port);
    const hop = await ImpairedHop.open(end.media.port, BAD, seed);
    open.push(end, hop);
    return { end, hop, sdp: end.media.sdp('sendrecv', 1, hop.port) };
  }
  type Remote = Awaited<ReturnType<typeof remote>>;

  /** Speaks through the bad network to the port that this message of the node names. */
  const speak = ({ end, hop }: Remote, message: string): void => {
    hop.node = rtpPort(message);
    end.media.speak(hop.partySide);
  };
  /** Most of half a second is this tone. */
  const hears = ({ end: { media } }: Remote, hz: number): Promise<true> => {
    const from = media.rtp.length;
    return until(`${hz} Hz`, WITHIN_MS, () => {
      const heard = media.rtp.slice(from).slice(-25);
      return heard.length === 25 && toneIn(heard, hz) > 0.9 ? true : undefined;
    });
  };
  const idle = ({ end }: Remote): Promise<true> =>
    until('the press', WITHIN_MS, () => end.media.idle || undefined);

  it('is handed over by one press; keys by two ways at once count once; figures and recording tell of it', async () => {
    const caller = await remote(HZ.caller, await freePort(), 11);
    const bot = await remote(HZ.bot, node.botPort, 22);
    const agent = await remote(HZ.agent, node.agentPort, 33);
    const invite = caller.end.invite(NUMBER, node.sipPort, caller.sdp);
    const atBot = await bot.end.invited();
    const taken = bot.end.take(atBot, bot.sdp);
    speak(caller, await caller.end.answered(200, invite));
    await taken;
    speak(bot, atBot);
    await Promise.all([hears(caller, HZ.bot), hears(bot, HZ.caller)]);

    // A phone that tells of each key by INFO and in RTP: by INFO first, then at the end of the key.
    for (const key of [5, 8]) {
      const byInfo = (): Promise<string> =>
        caller.end.request(
          'INFO',
          ['Content-Type: application/dtmf-relay'],
          `Signal=${key}\r\nDuration=160\r\n`,
        );
      if (key === 5) await byInfo();
      caller.end.media.press(key, 10);
      await idle(caller);
      if (key === 8) await byInfo();
      await hears(bot, HZ.caller);
    }
    assert.equal(pressesIn(bot.end.media.rtp), '58');

    caller.end.media.press(0);
    const ringing = await agent.end.invited();
    agent.end.respond(ringing, 180, 'Ringing');
    const bye = bot.end.takes('BYE');
    await agent.end.take(ringing, agent.sdp);
    speak(agent, ringing);
    await bye;
    bot.end.media.hush();
    await Promise.all([hears(caller, HZ.agent), hears(agent, HZ.caller)]);
    const gone = agent.end.takes('BYE');
    await caller.end.request('BYE');
    await gone;

    const callId = header(atBot, 'X-Relevo-Call-Id');
    const call = await node.newestCall((one) => one.callId === callId && one.media !== null, WITHIN_MS);
    assert.equal(call.transfers.length, 1, 'one press, one transfer');
    assert.equal(call.transfers[0]!.result?.outcome, 'completed');
    for (const [party, { hop }] of [
      ['caller', caller],
      ['agent', agent],
    ] as const) {
      const figures = Object.values(call.media!).find((one) => one.party === party)!;
      const { came, lost } = hop.toNode;
      process.stdout.write(
        `      ${party}: ${lost} of ${came} lost; counted ${figures.packetsLost}, jitter ${figures.jitterMs} ms, MOS ${figures.mos}\n`,
      );
      assert.ok(Math.abs(figures.packetsLost! - lost) <= 6, `${party}: ${figures.packetsLost} for ${lost}`);
      assert.ok(figures.jitterMs! > 5, `${party}: jitter ${figures.jitterMs}`);
    }
    await checkRecording();
  });

  /** The caller left; bot, music and agent right. */
  async function checkRecording(): Promise<void> {
    const file = await until('the recording', WITHIN_MS, async () =>
      (await readdir(folder)).find((name) => name.endsWith('.wav')),
    );
    const bytes = await readFile(join(folder, file));
    const data = bytes.indexOf('data', 12, 'latin1') + 8;
    const length = Math.floor((bytes.readUInt32LE(data - 4) || bytes.length - data) / 4);
    const side = (offset: number): Int16Array =>
      Int16Array.from({ length }, (_, at) => bytes.readInt16LE(data + at * 4 + offset));
    const [left, right] = [side(0), side(2)];
    const framesOf = (samples: Int16Array, hz: number): number => {
      let frames = 0;
      for (let start = 0; start + 160 <= samples.length; start += 160)
        if (toneShare(samples.subarray(start, start + 160), hz) > 0.8) frames++;
      return frames;
    };
    const frames = Math.floor(length / 160);
    assert.ok(framesOf(left, HZ.caller) > frames / 2, `${framesOf(left, HZ.caller)} of ${frames} frames`);
    assert.ok(framesOf(right, HZ.bot) > 25 && framesOf(right, HZ.agent) > 15);
    assert.equal(framesOf(left, HZ.bot) + framesOf(left, HZ.agent) + framesOf(right, HZ.caller), 0);
  }
});
