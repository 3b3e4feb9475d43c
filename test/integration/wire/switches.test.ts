import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { header } from '../../conformance/drachtio/support/sip-text.js';
import { freePort } from '../../support/free-ports.js';
import { startNodeUnderTest, type NodePorts, type NodeUnderTest } from '../../support/node-under-test.js';
import { writeToneWav } from '../../support/wav.js';
import { rtpPort } from '../hostile/support/talk.js';
import { Capture, captureHindrance, type Fields } from './support/capture.js';
import type { Arrived, RtpEnd } from './support/rtp-end.js';
import { SipEnd } from './support/sip-end.js';
import { bothIn, faultsOf, hasTone, pacingOf, pressesIn, toneIn } from './support/stream-reading.js';

/** What each says, above the notes of the music; the bot has another tone before it has answered. */
const HZ = { caller: 1500, early: 2300, bot: 1900, agent: 2700, announcement: 3000, brief: 3300 } as const;
const WITHIN_MS = 20_000;
const ATTENDED = '1';
const BLIND = '2';
/** tshark's severities: a warning and all that is worse. */
const WARNING = 0x600000;

function config(ports: NodePorts, announcement: string, brief: string): string {
  const timers = 'timers: { refer_reply: 15s, first_notify: 6s, total: 120s, bye_grace: 1s }';
  return `
listen: [{ transport: udp, address: 127.0.0.1, port: ${ports.sip} }]
media: { kind: embedded, address: 127.0.0.1, ports: ${ports.rtp}, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: ${process.env['RELEVO_TEST_LOG'] ?? 'error'} }
trunks:
  carrier: { hosts: ["sip:127.0.0.1:9"], allow: [127.0.0.0/8] }
  desk: { hosts: ["sip:127.0.0.1:${ports.agent}"] }
  second: { hosts: ["sip:127.0.0.1:${ports.second}"] }
bots:
  bot: { kind: sip, uri: "sip:bot@127.0.0.1:${ports.bot}" }
destinations:
  agent: { type: extension, extension: "201", trunk: desk, ring_timeout: 60s }
  colleague: { type: extension, extension: "202", trunk: second, ring_timeout: 60s }
projects:
  attended:
    match: [{ trunk: carrier, to: "${ATTENDED}" }]
    bot: bot
    transfer:
      to: agent
      mode: attended
      method: invite
      waiting: music
      announce_before_file: ${announcement}
      brief: audio
      brief_file: ${brief}
      accept: { digit: "1", timeout: 60s }
      three_way: { duration: 2m, digit: "#" }
      on_failure: [resume-bot]
      ${timers}
  blind:
    match: [{ trunk: carrier, to: "${BLIND}" }]
    bot: bot
    transfer: { to: colleague, method: invite, waiting: ringback, ${timers} }
`;
}

/** A stretch of what a party heard, from a moment on until another. */
class Ear {
  readonly #end: RtpEnd;
  readonly #from: number;

  constructor(end: RtpEnd) {
    this.#end = end;
    this.#from = end.rtp.length;
  }

  get heard(): readonly Arrived[] {
    return this.#end.rtp.slice(this.#from);
  }
}

/** Resolves once this end hears a quarter of a second that satisfies `wanted`, in packets that come from now on. */
async function hears(
  end: RtpEnd,
  what: string,
  wanted: (heard: readonly Arrived[]) => boolean,
): Promise<void> {
  const ear = new Ear(end);
  const until = Date.now() + WITHIN_MS;
  for (;;) {
    const { heard } = ear;
    if (heard.length >= 12 && wanted(heard.slice(-12))) return;
    assert.ok(Date.now() < until, `${what} within ${WITHIN_MS} ms; ${heard.length} packets came`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const tone = (hz: number) => (heard: readonly Arrived[]) => toneIn(heard, hz) === 1;
const both = (a: number, b: number) => (heard: readonly Arrived[]) => bothIn(heard, a, b) === 1;
const noneOf =
  (...tones: readonly number[]) =>
  (heard: readonly Arrived[]) =>
    tones.every((hz) => !hasTone(heard, hz));
const sound = (heard: readonly Arrived[]): boolean =>
  heard.some(({ packet }) => new Set(packet.subarray(12)).size > 8);
const PARTIES = [HZ.caller, HZ.early, HZ.bot, HZ.agent];

describe('every switch of what a party hears, captured', function () {
  this.timeout(120_000);
  let node: NodeUnderTest;
  let folder: string;
  let capture: Capture | null = null;
  let hindrance: string | null;
  let rtpPorts: string;
  const open: SipEnd[] = [];
  const ends: Record<'caller' | 'bot' | 'agent' | 'refuser' | 'colleague', RtpEnd> = {} as never;
  let second: { caller: RtpEnd; bot: RtpEnd };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relevo-wire-'));
    const [announcement, brief] = [join(folder, 'announcement.wav'), join(folder, 'brief.wav')];
    writeToneWav(announcement, HZ.announcement, 1);
    writeToneWav(brief, HZ.brief, 60);
    const rtp = await freePort(40_000, 58_000);
    rtpPorts = `${rtp}-${rtp + 99}`;
    node = await startNodeUnderTest({
      rtpPorts,
      config: (ports) => config(ports, announcement, brief),
    });
    hindrance = captureHindrance();
    if (hindrance === null) {
      const mark = await freePort();
      const filter = `udp portrange ${rtpPorts} or udp port ${node.sipPort} or udp port ${mark}`;
      capture = await Capture.start(join(folder, 'wire.pcapng'), filter, mark);
    }
    await attendedCall();
    await blindCall();
    await capture?.stop();
  });
  after(async () => {
    for (const one of open) one.close();
    await capture?.end();
    await node.close();
    await rm(folder, { recursive: true });
  });

  const party = async (hz: number, port?: number): Promise<SipEnd> => {
    // No port of the system's choice: it may lie among those of the node's RTP.
    const end = await SipEnd.open(node.sipPort, hz, port ?? (await freePort()));
    open.push(end);
    return end;
  };
  const transfer = async (callId: string): Promise<void> => {
    const answer = await node.api(`/v1/calls/${callId}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'operator' }),
    });
    assert.equal(answer.status, 202, await answer.text());
  };

  /** Calls a number; the bot sounds before it answers, then talks on in another tone. */
  async function talkToBot(caller: SipEnd, bot: SipEnd, number: string): Promise<string> {
    const invite = caller.invite(number, node.sipPort);
    const atBot = await bot.invited();
    bot.media.speak(rtpPort(atBot), HZ.early);
    bot.respond(atBot, 183, 'Session Progress', bot.media.sdp());
    caller.media.speak(rtpPort(await caller.answered(183, invite)));
    await hears(caller.media, 'early media', tone(HZ.early));
    const taken = bot.take(atBot);
    await caller.answered(200, invite);
    await taken;
    bot.media.speak(rtpPort(atBot), HZ.bot);
    await Promise.all([
      hears(caller.media, 'the bot', tone(HZ.bot)),
      hears(bot.media, 'the caller', tone(HZ.caller)),
    ]);
    return header(atBot, 'X-Relevo-Call-Id');
  }

  async function attendedCall(): Promise<void> {
    const [caller, bot, agent] = [
      await party(HZ.caller),
      await party(HZ.bot, node.botPort),
      await party(HZ.agent, node.agentPort),
    ];
    const callId = await talkToBot(caller, bot, ATTENDED);
    // A key that both sides take by RFC 4733, and which is no command to anybody.
    caller.media.press(7);
    caller.media.press(7);
    for (const one of [caller, bot]) one.media.report();
    await hears(bot.media, 'both presses', () => pressesIn(bot.media.rtp) === '77');

    // The agent is busy: announcement, music, back to the bot.
    await transfer(callId);
    const refused = await agent.invited();
    agent.respond(refused, 180, 'Ringing');
    await hears(caller.media, 'the announcement or what follows', noneOf(HZ.bot));
    await hears(caller.media, 'music', (heard) => sound(heard) && noneOf(...PARTIES, HZ.announcement)(heard));
    agent.respond(refused, 486, 'Busy Here');
    await hears(caller.media, 'the bot again', tone(HZ.bot));
    await hears(bot.media, 'the caller again', tone(HZ.caller));

    // Again: the person rings, hears the brief, takes the call, and three talk.
    await transfer(callId);
    const ringing = await agent.invited();
    agent.respond(ringing, 180, 'Ringing');
    await hears(caller.media, 'music', (heard) => sound(heard) && noneOf(...PARTIES, HZ.announcement)(heard));
    await agent.take(ringing);
    agent.media.speak(rtpPort(ringing));
    await hears(agent.media, 'the brief', tone(HZ.brief));
    agent.media.report();
    const consulted = [new Ear(caller.media), new Ear(bot.media)];
    await hears(agent.media, 'the brief', tone(HZ.brief));
    for (const { heard } of consulted)
      assert.ok(
        !hasTone(heard, HZ.agent) && !hasTone(heard, HZ.brief),
        'a consultation is heard by nobody else',
      );
    agent.media.press(1);
    await Promise.all([
      hears(caller.media, 'bot and agent', both(HZ.bot, HZ.agent)),
      hears(bot.media, 'caller and agent', both(HZ.caller, HZ.agent)),
      hears(agent.media, 'caller and bot', both(HZ.caller, HZ.bot)),
    ]);

    // The bot leaves; then the agent holds, and comes back.
    const bye = bot.takes('BYE');
    agent.media.press(11);
    await bye;
    bot.media.hush();
    await Promise.all([
      hears(caller.media, 'the agent', tone(HZ.agent)),
      hears(agent.media, 'the caller', tone(HZ.caller)),
    ]);
    await agent.direction('sendonly');
    await hears(caller.media, 'music', (heard) => sound(heard) && noneOf(...PARTIES)(heard));
    await agent.direction('sendrecv');
    await Promise.all([
      hears(caller.media, 'the agent', tone(HZ.agent)),
      hears(agent.media, 'the caller', tone(HZ.caller)),
    ]);
    agent.media.press(5);
    await hears(caller.media, 'the key of the agent', () => pressesIn(caller.media.rtp) !== '');
    await hears(caller.media, 'the agent', tone(HZ.agent));
    const left = agent.takes('BYE');
    await caller.request('BYE');
    await left;
    await goodbye(caller.media, bot.media, agent.media);
    Object.assign(ends, { caller: caller.media, bot: bot.media, agent: agent.media });
    for (const one of [caller, bot, agent]) one.hangUp();
  }

  async function blindCall(): Promise<void> {
    const [caller, bot, colleague] = [
      await party(HZ.caller),
      await party(HZ.bot, node.botPort),
      await party(HZ.agent, node.secondAgentPort),
    ];
    const callId = await talkToBot(caller, bot, BLIND);
    await transfer(callId);
    const ringing = await colleague.invited();
    colleague.respond(ringing, 180, 'Ringing');
    await hears(caller.media, 'ringback', tone(425));
    const bye = bot.takes('BYE');
    await colleague.take(ringing);
    colleague.media.speak(rtpPort(ringing));
    await bye;
    await Promise.all([
      hears(caller.media, 'the colleague', tone(HZ.agent)),
      hears(colleague.media, 'the caller', tone(HZ.caller)),
    ]);
    const gone = caller.takes('BYE');
    await colleague.request('BYE');
    await gone;
    await goodbye(caller.media, bot.media, colleague.media);
    second = { caller: caller.media, bot: bot.media };
    ends.colleague = colleague.media;
  }

  /** Each has been told by RTCP that its stream is over. */
  async function goodbye(...told: readonly RtpEnd[]): Promise<void> {
    const until = Date.now() + WITHIN_MS;
    const isBye = ({ packet }: Arrived): boolean => packet.readUInt8(packet.length - 7) === 203;
    while (!told.every(({ rtcp }) => rtcp.some(isBye))) {
      assert.ok(Date.now() < until, 'RTCP BYE');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const streams = (): readonly (readonly [string, RtpEnd])[] => [
    ['caller', ends.caller],
    ['bot', ends.bot],
    ['agent', ends.agent],
    ['second caller', second.caller],
    ['second bot', second.bot],
    ['colleague', ends.colleague],
  ];
  const decode = (): string[] => [
    `udp.port==${node.sipPort},sip`,
    ...streams().flatMap(([, { port }]) => [`udp.port==${port},rtp`, `udp.port==${port + 1},rtcp`]),
  ];
  /** The packets of the node to a party, by tshark. */
  const toParty = (fields: readonly Fields[], { port }: RtpEnd): Fields[] =>
    fields.filter((one) => one['udp.dstport'] === String(port));

  it('each party got one stream: one SSRC, each sequence number once and in order, no hole in its time', () => {
    for (const [who, end] of streams()) {
      assert.deepEqual(faultsOf(end.rtp), [], who);
      const { packets, mean, p50, p99, max } = pacingOf(end.rtp);
      process.stdout.write(
        `      ${who}: ${packets} packets, apart by ${mean} ms on average, ${p50} median, ${p99} p99, ${max} at most\n`,
      );
      // Not the mean: nothing goes to a party while it holds.
      assert.ok(p50 > 15 && p50 < 25, `${who}: packets of 20 ms came ${p50} ms apart`);
    }
  });

  it('nobody hears itself, and each key is there once for whoever takes it', () => {
    assert.ok(!hasTone(ends.caller.rtp, HZ.caller));
    assert.ok(!hasTone(ends.agent.rtp, HZ.agent) && !hasTone(ends.bot.rtp, HZ.bot));
    assert.ok(
      !hasTone(ends.bot.rtp, HZ.brief) && !hasTone(ends.caller.rtp, HZ.brief),
      'the brief is the agent’s',
    );
    assert.ok(!hasTone(ends.agent.rtp, HZ.announcement), 'the announcement is the caller’s');
    assert.equal(pressesIn(ends.bot.rtp), '77');
    // Its digits that take the call and end the three-way talk are commands; the one after that is the caller's.
    assert.equal(pressesIn(ends.caller.rtp), '5');
  });

  it('tshark reads the same streams: as many packets, none lost, none out of order', async function () {
    if (!capture) {
      skipped(this, hindrance);
      return;
    }
    const found = await capture.streams(decode());
    const [first = 0, last = 0] = rtpPorts.split('-').map(Number);
    const ours = found.filter(({ from }) => from >= first && from <= last);
    for (const [who, end] of streams()) {
      const to = ours.filter((one) => one.to === end.port);
      assert.deepEqual(
        to.map(({ packets, lost, ssrc }) => ({ packets, lost, ssrc })),
        [{ packets: end.rtp.length, lost: 0, ssrc: end.rtp[0]!.packet.readUInt32BE(8) }],
        who,
      );
    }
    assert.equal(ours.length, streams().length, JSON.stringify(ours));
    const names = [
      'udp.srcport',
      'udp.dstport',
      'rtp.ssrc',
      'rtp.seq',
      'rtp.timestamp',
      'rtp.marker',
      'rtp.p_type',
    ];
    const packets = await capture.fields(
      decode(),
      `rtp && udp.srcport >= ${first} && udp.srcport <= ${last}`,
      names,
    );
    for (const [who, end] of streams()) {
      const read = toParty(packets, end).map((one) => [one['rtp.seq'], one['rtp.timestamp']].join());
      const got = end.rtp.map(({ packet }) => [packet.readUInt16BE(2), packet.readUInt32BE(4)].join());
      assert.deepEqual(read, got, who);
    }
  });

  it('no packet went to a port that was not its party’s, and each of our ports had one party', async function () {
    if (!capture) {
      skipped(this, hindrance);
      return;
    }
    const [first = 0, last = 0] = rtpPorts.split('-').map(Number);
    const sent = await capture.fields(decode(), `udp.srcport >= ${first} && udp.srcport <= ${last}`, [
      'udp.srcport',
      'udp.dstport',
    ]);
    const reached = new Set(sent.map((one) => `${one['udp.srcport']} ${one['udp.dstport']}`));
    const expected = streams().flatMap(([, { port, to }]) => [`${to} ${port}`, `${to + 1} ${port + 1}`]);
    assert.deepEqual([...reached].sort(), expected.sort());
  });

  it('RTCP holds: SR or RR first, CNAME, BYE at the end, figures that fit what was sent', async function () {
    if (!capture) {
      skipped(this, hindrance);
      return;
    }
    const [first = 0, last = 0] = rtpPorts.split('-').map(Number);
    const names = ['udp.dstport', 'rtcp.pt', 'rtcp.senderssrc', 'rtcp.sdes.type', 'rtcp.sender.packetcount'];
    const reports = await capture.fields(
      decode(),
      `rtcp && udp.srcport >= ${first} && udp.srcport <= ${last}`,
      [...names, 'rtcp.length_check', 'rtcp.ssrc.cum_nr'],
    );
    for (const [who, end] of streams()) {
      const own = reports.filter((one) => one['udp.dstport'] === String(end.port + 1));
      assert.equal(own.length, end.rtcp.length, who);
      for (const report of own) {
        const types = report['rtcp.pt']!.split(',');
        assert.ok(['200', '201'].includes(types[0]!) && types[1] === '202', `${who}: ${types.join()}`);
        assert.match(report['rtcp.sdes.type']!, /^1\b/, who);
        // tshark counts in words over the whole compound, and says whether they fit.
        assert.notEqual(report['rtcp.length_check'], '0', who);
        assert.equal(report['rtcp.ssrc.cum_nr'] || '0', '0', `${who}: nothing of what it sent was lost`);
      }
      const goodbyes = own.filter((report) => report['rtcp.pt']!.split(',').includes('203'));
      assert.equal(goodbyes.length, 1, who);
      assert.equal(goodbyes[0], own.at(-1), `${who}: nothing after the BYE`);
      const counted = Math.max(...own.map((report) => Number(report['rtcp.sender.packetcount'] || 0)));
      assert.ok(
        counted <= end.rtp.length && counted > end.rtp.length / 2,
        `${who}: ${counted} of ${end.rtp.length}`,
      );
    }
  });

  it('nothing that anybody sent is malformed or dubious to tshark: SIP, SDP, RTP, RTCP', async function () {
    if (!capture) {
      skipped(this, hindrance);
      return;
    }
    const names = ['frame.protocols', 'udp.srcport', 'udp.dstport', '_ws.expert.message', 'udp.payload'];
    const dubious = await capture.fields(
      decode(),
      `_ws.malformed || _ws.expert.severity >= ${WARNING}`,
      names,
    );
    assert.deepEqual(dubious, []);
    const read = await capture.fields(decode(), 'udp', ['frame.protocols']);
    const protocols = new Set(read.flatMap((one) => one['frame.protocols']!.split(':')));
    for (const protocol of ['sip', 'sdp', 'rtp', 'rtpevent', 'rtcp'])
      assert.ok(protocols.has(protocol), protocol);
  });
});

function skipped(test: Mocha.Context, why: string | null): void {
  process.stdout.write(`      skipped: ${why ?? ''}\n`);
  test.skip();
}
