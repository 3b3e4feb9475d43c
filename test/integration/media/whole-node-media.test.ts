import assert from 'node:assert/strict';
import type { LegFigures } from '../../../src/call/media-port.js';
import { DtmfDetector } from '../../../src/rtp/dtmf-detector.js';
import { ALAW_SILENCE, ALAW_TO_LINEAR } from '../../../src/rtp/g711.js';
import { buildRtcp, parseRtcp } from '../../../src/rtp/rtcp.js';
import { ToneSender } from '../../../src/media/worker/tone-sender.js';
import { startNodeUnderTest, type NodePorts, type NodeUnderTest } from '../../support/node-under-test.js';
import { eventPayload } from './phone.js';
import { WireParty, type Came, type WirePartyOptions } from './wire-party.js';

const EVENTS = ['a=rtpmap:101 telephone-event/8000'];
const G711 = { formats: '8 101', lines: EVENTS };
const voice = (value: number): Buffer => Buffer.alloc(160, value);
const [CALLER, BOT, AGENT] = [voice(0x11), voice(0x22), voice(0x33)];
const says =
  (payload: Buffer, payloadType: number) =>
  (packet: Came): boolean =>
    packet.payloadType === payloadType && packet.payload.equals(payload);

function config({ sip, bot, agent, rtp }: NodePorts): string {
  const project = (name: string, number: string, serves: string, trunk = 'carrier'): string => `
  ${name}:
    match: [{ trunk: ${trunk}, to: "${number}" }]
    bot: ${serves}
    transfer: { to: agent, method: invite, waiting: music }`;
  const bots = ['plain', 'wide', 'info', 'inband'].map(
    (name) => `\n  ${name}: { kind: sip, uri: "sip:bot@127.0.0.1:${bot}", trunk: ${name} }`,
  );
  return `
listen: [{ transport: udp, address: 127.0.0.1, port: ${sip} }]
media: { kind: embedded, address: 127.0.0.1, address_ipv6: "::1", ports: ${rtp}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8], codecs: [opus, G722, PCMA] }
  desk: { hosts: ["sip:127.0.0.1:${agent}"], codecs: [PCMA] }
  plain: { hosts: ["sip:127.0.0.1:10"] }
  wide: { hosts: ["sip:127.0.0.1:11"], codecs: [opus, G722, PCMA] }
  info: { hosts: ["sip:127.0.0.1:12"], dtmf: info }
  inband: { hosts: ["sip:127.0.0.1:13"], dtmf: inband }
bots:${bots.join('')}
destinations: { agent: { type: extension, extension: "201", trunk: desk } }
projects:${project('plain', '1000', 'plain')}${project('wide', '1001', 'wide')}${project('info', '1002', 'info')}${project('inband', '1003', 'inband')}
`;
}

describe('media through a whole node', function () {
  this.timeout(30_000);
  let node: NodeUnderTest;
  let parties: WireParty[] = [];
  let calls = 0;

  before(async () => {
    node = await startNodeUnderTest({ config });
  });
  afterEach(() => {
    parties[0]?.hangUp();
    for (const party of parties) party.close();
    parties = [];
  });
  after(() => node.close());

  async function party(options: Omit<WirePartyOptions, 'nodePort'>): Promise<WireParty> {
    const opened = await WireParty.open({ nodePort: node.sipPort, ...options });
    parties.push(opened);
    return opened;
  }
  const place = (caller: WireParty, number: string): Promise<void> => caller.call(number, `wire${calls++}`);
  const handOver = async (): Promise<void> => {
    const { callId } = await node.newestCall((call) => call.endedAt === null);
    const answer = await node.api(`/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.ok(answer.ok, await answer.text());
  };
  const over = async (caller: WireParty): Promise<Awaited<ReturnType<typeof node.newestCall>>> => {
    caller.hangUp();
    return node.newestCall((call) => call.endedAt !== null);
  };

  /** Formats of a phone with a codec of more than G.711: it answers with those of the offer that it has. */
  const withCodec =
    (type: number, lines: readonly string[]): WirePartyOptions['media'] =>
    (asked) =>
      asked !== null && !/\r\nm=audio \d+ \S+(?: \d+)* (?:9|111|96)(?: |\r)/.test(asked)
        ? G711
        : { formats: `${type} 8 101`, lines: [...lines, ...EVENTS] };

  // The bot answers with the numbers of our offer; the caller has numbers of its own.
  for (const [name, type, botType, encoding, step] of [
    ['Opus', 96, 111, 'opus/48000/2', 960],
    ['G.722', 9, 9, 'G722/8000', 160],
  ] as const) {
    it(`${name} is passed between caller and bot, and both sides turn to G.711 for an agent that has nothing else`, async () => {
      const caller = await party({ media: withCodec(type, [`a=rtpmap:${type} ${encoding}`]) });
      const bot = await party({
        port: node.botPort,
        media: withCodec(botType, [`a=rtpmap:${botType} ${encoding}`]),
      });
      const agent = await party({ port: node.agentPort, media: () => G711 });
      await place(caller, '1001');
      // What an encoder makes of speech: no two packets alike, of any length.
      const coded = Buffer.from([0x78, 1, 2, 3, 4, 5, 6, 7]);
      const talk = setInterval(() => {
        caller.say(type, coded, step);
        bot.say(botType, Buffer.concat([coded, coded]), step);
      }, 20);
      try {
        const atBot = await bot.hears(({ payload }) => payload.equals(coded), 0);
        const atCaller = await caller.hears(({ payload }) => payload.length === 16, 0);
        assert.equal(atBot.payloadType, botType);
        assert.equal(atCaller.payloadType, type);
        await handOver();
        // The caller is asked for what the agent has, and speaks it.
        await caller.until(() => caller.invites.length > 0);
      } finally {
        clearInterval(talk);
      }
      const asked = /\r\nm=audio \d+ \S+ ([\d ]+)/.exec(caller.invites.at(-1)!.text)![1]!.split(' ');
      assert.ok(asked.includes('8') && !asked.includes('9') && !asked.includes(String(type)), asked.join());
      caller.talk(8, CALLER);
      agent.talk(8, AGENT);
      await Promise.all([agent.hears(says(CALLER, 8), 0), caller.hears(says(AGENT, 8), 0)]);
      assert.ok(agent.came.every(({ payloadType }) => payloadType === 8));
      const view = await over(caller);
      assert.equal(view.transfers[0]?.result?.outcome, 'completed');
    });
  }

  it('a caller with RTP over IPv6 speaks with a bot and an agent over IPv4', async () => {
    const caller = await party({ media: () => G711, family: 6 });
    const bot = await party({ port: node.botPort, media: () => G711 });
    const agent = await party({ port: node.agentPort, media: () => G711 });
    caller.talk(8, CALLER);
    bot.talk(8, BOT);
    agent.talk(8, AGENT);
    await place(caller, '1000');
    await Promise.all([bot.hears(says(CALLER, 8), 0), caller.hears(says(BOT, 8), 0)]);
    await handOver();
    await Promise.all([agent.hears(says(CALLER, 8), 0), caller.hears(says(AGENT, 8), 0)]);
    assert.equal(new Set(caller.came.map(({ ssrc }) => ssrc)).size, 1, 'one stream through the hand-over');
    const view = await over(caller);
    const figures = Object.values(view.media ?? {});
    assert.equal(figures.length, 3);
    assert.ok(figures.every(({ packetsSent }) => (packetsSent ?? 0) > 0));
  });

  it('RTCP beside RTP on one port (RFC 5761): round trip, loss and jitter of the far end are in the API', async () => {
    const caller = await party({ media: () => ({ formats: '8', lines: ['a=rtcp-mux'] }) });
    const bot = await party({ port: node.botPort, media: () => G711 });
    caller.talk(8, CALLER);
    bot.talk(8, BOT);
    await place(caller, '1000');
    await caller.until(() => caller.reports.some((one) => parseRtcp(one)?.sender));
    const report = parseRtcp(caller.reports.find((one) => parseRtcp(one)?.sender)!)!;
    const heldMs = 60;
    await new Promise((resolve) => setTimeout(resolve, heldMs));
    caller.send(
      buildRtcp({
        ssrc: caller.ssrc,
        cname: 'caller',
        sender: { wallMs: Date.now(), rtpTimestamp: caller.timestamp, packets: 50, octets: 8000 },
        block: {
          ssrc: report.ssrc,
          fractionLost: 10,
          cumulativeLost: 3,
          extendedHighestSequence: 1000,
          jitter: 80,
          lastSenderReport: report.sender!.ntpMiddle,
          delaySinceLastSenderReport: Math.round((heldMs * 65_536) / 1000),
        },
        bye: false,
      }),
    );
    // Its next report says that ours of a moment ago was read.
    const seen = caller.reports.length;
    await caller.until(() =>
      caller.reports.slice(seen).some((one) => parseRtcp(one)?.blocks.some((b) => b.lastSenderReport !== 0)),
    );
    const { media } = await over(caller);
    const of = (who: string): LegFigures => Object.values(media!).find((leg) => leg.party === who)!;
    const figures = of('caller');
    assert.deepEqual([figures.farPacketsLost, figures.farJitterMs], [3, 10]);
    assert.ok(figures.roundTripMs !== null && figures.roundTripMs >= 0 && figures.roundTripMs < 5000);
    assert.ok(figures.farMos !== null && figures.farMos > 1 && figures.farMos < 4.5);
    assert.equal(figures.packetsRejected, 0);
    const other = of('bot');
    assert.deepEqual([other.farPacketsLost, other.roundTripMs], [null, null]);
  });

  /** The keys in what came as PCMA. */
  function keysIn(came: readonly Came[]): string {
    let keys = '';
    const detector = new DtmfDetector((key) => (keys += key));
    for (const { payloadType, payload } of came)
      if (payloadType === 8) detector.push(payload, 0, payload.length, ALAW_TO_LINEAR);
    detector.idle();
    return keys;
  }
  /** One key as the caller has it: three end packets of an event. */
  function pressEvent(from: WireParty, event: number): void {
    for (let at = 0; at < 3; at++) from.say(101, eventPayload(event, true, 800), 0);
    from.timestamp += 800;
  }
  const eventsIn = (came: readonly Came[]): number[] => [
    ...new Set(came.filter(({ payloadType }) => payloadType === 101).map(({ payload }) => payload[0]!)),
  ];

  it('digits: events of the caller are INFO to a bot that wants INFO, and its INFO is events to the caller', async () => {
    const caller = await party({ media: () => G711 });
    const bot = await party({ port: node.botPort, media: () => G711 });
    await place(caller, '1002');
    caller.talk(8, CALLER);
    bot.talk(8, BOT);
    await Promise.all([bot.hears(says(CALLER, 8)), caller.hears(says(BOT, 8))]);
    pressEvent(caller, 7);
    await bot.until(() => bot.infos.length > 0);
    assert.match(bot.infos[0]!, /Signal=\s*7/);
    bot.request('INFO', 'application/dtmf-relay', 'Signal=4\r\nDuration=120\r\n');
    await caller.until(() => eventsIn(caller.came).includes(4));
    assert.deepEqual([eventsIn(caller.came), bot.infos.length], [[4], 1]);
    assert.deepEqual(eventsIn(bot.came), [], 'not a second time as an event');
    await over(caller);
  });

  it('digits: events and INFO of the caller are tones to a bot that has tones, and its tones are events', async () => {
    const caller = await party({ media: () => G711 });
    const bot = await party({ port: node.botPort, media: () => G711 });
    await place(caller, '1003');
    const silence = voice(ALAW_SILENCE);
    caller.talk(8, silence);
    const tones = new ToneSender();
    bot.talk(8, () => {
      const frame = Buffer.alloc(160);
      if (!tones.busy) return silence;
      tones.next(frame, 0, 'PCMA');
      return frame;
    });
    await Promise.all([bot.hears(says(silence, 8)), caller.hears(says(silence, 8))]);
    pressEvent(caller, 9);
    await bot.until(() => keysIn(bot.came).includes('9'));
    caller.request('INFO', 'application/dtmf-relay', 'Signal=3\r\nDuration=120\r\n');
    await bot.until(() => keysIn(bot.came) === '93');
    assert.deepEqual([eventsIn(bot.came), bot.infos], [[], []]);
    tones.enqueue('58');
    await caller.until(() => eventsIn(caller.came).includes(8));
    assert.deepEqual(eventsIn(caller.came), [5, 8]);
    assert.equal(keysIn(caller.came), '', 'the tone itself does not come through');
    await over(caller);
  });
});
