import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { header } from '../../conformance/drachtio/support/sip-text.js';
import { HostileNode, until } from '../hostile/support/hostile-node.js';
import { rtpPort } from '../hostile/support/talk.js';
import { flood } from './support/flood.js';
import { LIE, ODDITIES, RTCP_LIES, RTCP_ODDITIES, RTP_LIES, wildPress } from './support/lies.js';
import type { Arrived } from './support/rtp-end.js';
import { SipEnd } from './support/sip-end.js';
import { faultsOf, pressesIn, toneIn } from './support/stream-reading.js';

const RTP = 'relevo_rtp_packets_total';
const CALLER_HZ = 500;
const BOT_HZ = 900;
const FLOOD = 25_000;

describe('hostile packets on the wire of a call', function () {
  this.timeout(90_000);
  let node: HostileNode;
  let caller: SipEnd;
  let bot: SipEnd;
  let sipCallId: string;

  before(async () => {
    node = await HostileNode.start({ ports: [20_000, 29_999] });
    caller = await SipEnd.open(node.sipPort, CALLER_HZ);
    bot = await SipEnd.open(node.sipPort, BOT_HZ, node.botPort);
    const invite = caller.invite('1000', node.sipPort);
    sipCallId = header(invite, 'Call-ID');
    const atBot = await bot.invited();
    const taken = bot.take(atBot);
    const answer = await caller.answered(200, invite);
    await taken;
    bot.media.speak(rtpPort(atBot));
    caller.media.speak(rtpPort(answer));
    await bothHear();
  });
  after(async () => {
    caller.close();
    bot.close();
    await node.close();
  });

  /** Each hears the other's tone for a quarter of a second from now on. */
  async function bothHear(): Promise<void> {
    const from = [bot.media.rtp.length, caller.media.rtp.length] as const;
    await until('audio both ways', 20_000, () => {
      const [atBot, atCaller] = [bot.media.rtp.slice(from[0]), caller.media.rtp.slice(from[1])];
      const enough = atBot.length >= 12 && atCaller.length >= 12;
      const heard = toneIn(atBot.slice(-12), CALLER_HZ) === 1 && toneIn(atCaller.slice(-12), BOT_HZ) === 1;
      return enough && heard ? true : undefined;
    });
  }
  const rejected = (enough: (count: number) => boolean): Promise<number> =>
    node.metric(RTP, 'kind="rejected"', enough, 10_000);
  const holdsLie = ({ packet }: Arrived): boolean => packet.subarray(12).includes(Buffer.alloc(8, LIE));
  const dropped = (): number => node.log.filter(({ msg }) => msg === 'packet dropped').length;

  it('drops and counts each lie about RTP and RTCP, says so once, and passes none of them on', async () => {
    const before = await rejected(() => true);
    for (const lie of Object.values(RTP_LIES)) caller.media.raw(lie);
    for (const lie of Object.values(RTCP_LIES)) caller.media.raw(lie, caller.media.to + 1, 'rtcp');
    const lies = Object.keys(RTP_LIES).length + Object.keys(RTCP_LIES).length;
    await rejected((count) => count >= before + lies);
    // Noise, and what is odd and right, are no more lies.
    for (const odd of ODDITIES) caller.media.raw(odd);
    for (const odd of RTCP_ODDITIES) caller.media.raw(odd, caller.media.to + 1, 'rtcp');
    await bothHear();
    assert.equal(
      await rejected((count) => count > 0),
      before + lies,
      'each lie is counted once, and nothing else',
    );
    for (let i = 0; i < 400; i++)
      caller.media.raw(randomBytes(i % 90), caller.media.to + (i % 2), i % 2 ? 'rtcp' : 'rtp');
    await bothHear();
    assert.ok(!bot.media.rtp.some(holdsLie) && !caller.media.rtp.some(holdsLie));
    assert.equal(dropped(), 1, 'one line for the leg');
    assert.equal((await node.call(sipCallId)).state, 'with_bot', 'a goodbye by RTCP ends no call');
  });

  it('takes one press out of events whose durations fall, leap and overflow', async () => {
    const heardBefore = bot.media.rtp.length;
    for (const packet of wildPress(caller.media.sequence, caller.media.timestamp, caller.media.ssrc)) {
      caller.media.raw(packet);
      caller.media.sequence = (caller.media.sequence + 1) & 0xffff;
    }
    await bothHear();
    assert.equal(pressesIn(bot.media.rtp.slice(heardBefore)), '9');
  });

  for (const [what, address, ports] of [
    ['with the SSRC and the numbers of the caller, from its address', '127.0.0.1', [0]],
    ['from another address, to RTP and RTCP', '127.0.0.2', [0, 1]],
  ] as const) {
    it(`lets no stranger in who floods ${what}; the call goes on`, async () => {
      const before = await rejected(() => true);
      const { media } = caller;
      const newest = Buffer.alloc(172, LIE);
      newest.writeUInt16BE(0x8008, 0);
      newest.writeUInt16BE((media.sequence + 50) & 0xffff, 2);
      newest.writeUInt32BE((media.timestamp + 8000) >>> 0, 4);
      newest.writeUInt32BE(media.ssrc, 8);
      const heard = bot.media.rtp.length;
      const {
        sent,
        tookMs,
        heard: bled,
      } = await flood({
        ports: ports.map((offset) => media.to + offset),
        packets: FLOOD,
        perSecond: 50_000,
        packet: newest,
        address,
      });
      await bothHear();
      const counted = await rejected((count) => count > before + 1000);
      const during = bot.media.rtp.slice(heard);
      process.stdout.write(
        `      ${sent} packets in ${Math.round(tookMs)} ms; ${counted - before} seen and dropped; the bot heard ${during.length} meanwhile\n`,
      );
      assert.equal(bled, 0, 'the stranger hears nothing');
      assert.ok(!during.some(holdsLie), 'the bot hears nothing of the stranger');
      assert.equal(new Set(during.map(({ packet }) => packet.readUInt32BE(8))).size, 1);
      assert.ok(dropped() <= 2, 'no line for each packet');
    });
  }

  it('leaves the streams as they were: nothing but what the kernel dropped in the flood is missing', async () => {
    await bothHear();
    const faults = faultsOf(caller.media.rtp);
    assert.deepEqual(faults, [], 'what the caller heard has no fault at all: the bot’s port was left alone');
    const bye = bot.takes('BYE');
    await caller.request('BYE');
    await bye;
    const { endedBy } = await node.call(sipCallId, ({ endedAt }) => endedAt !== null);
    assert.equal(endedBy, 'caller');
  });
});
