import assert from 'node:assert/strict';
import { NUMBERS } from '../support/node-under-test.js';
import {
  BOT_HZ,
  CALLER_HZ,
  endAndListen,
  handOver,
  ladderOf,
  side,
  startCast,
  type Cast,
  type Side,
} from '../support/phone-cast.js';
import { startRtpengine, type Rtpengine } from '../support/rtpengine.js';
import { available, hears, startBaresip, startLinphone } from '../support/softphone.js';

type Kind = 'plain' | 'sdes' | 'dtls';

/** What the audio line of a 200 agreed on. */
const kindOf = (sdp: string): Kind => {
  if (/\r\na=fingerprint:/.test(sdp)) return 'dtls';
  return /\r\na=crypto:/.test(sdp) ? 'sdes' : 'plain';
};

describe('Interop: SRTP through rtpengine with baresip and linphone', function () {
  this.timeout(60_000);
  const open: { close(): Promise<void> }[] = [];
  let rtpengine: Rtpengine;

  before(async function () {
    const missing = ['rtpengine', 'baresip', 'linphonec'].filter((program) => !available(program));
    if (missing.length > 0) {
      process.stdout.write(`  ${missing.join(' and ')} not installed: SRTP through rtpengine is skipped\n`);
      this.skip();
    }
    rtpengine = await startRtpengine();
  });

  after(async () => {
    await rtpengine.close();
  });

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const media = (): string => {
    const { address, port, dtmf } = rtpengine.node;
    return `media: { kind: rtpengine, nodes: [{ ng: "${address}:${port}", dtmf: "127.0.0.1:${dtmf!.port}" }] }`;
  };

  const cast = (caller: Side, agent: Side, startBot = startBaresip): Promise<Cast> =>
    // rtpengine changes the SSRC with each source.
    startCast(open, caller, agent, { startBot, media: media(), noJitterBuffer: true });

  const cases: [string, Side, Side, { caller: Kind; agent: Kind }][] = [
    [
      'baresip calls with SRTP required, linphone is the agent in plain RTP',
      side(startBaresip, 'required', 'required'),
      side(startLinphone, 'off', 'off'),
      { caller: 'sdes', agent: 'plain' },
    ],
    [
      'linphone calls with SRTP required, baresip is the agent with SRTP, keys of its own',
      side(startLinphone, 'required', 'required'),
      side(startBaresip, 'optional', 'optional'),
      { caller: 'sdes', agent: 'sdes' },
    ],
    [
      'baresip calls with SRTP and A-law, baresip is the agent with SRTP and u-law',
      side(startBaresip, 'required', 'required', 'PCMA'),
      side(startBaresip, 'required', 'required', 'PCMU'),
      { caller: 'sdes', agent: 'sdes' },
    ],
    [
      'optional here, and plain RTP there: linphone calls, baresip is the agent with SRTP required',
      side(startLinphone, 'off', 'optional'),
      side(startBaresip, 'required', 'required'),
      { caller: 'plain', agent: 'sdes' },
    ],
    [
      'baresip calls with DTLS, baresip is the agent in plain RTP',
      side(startBaresip, 'dtls', 'dtls'),
      side(startBaresip, 'off', 'off'),
      { caller: 'dtls', agent: 'plain' },
    ],
    [
      'linphone calls in plain RTP, baresip is the agent with DTLS',
      side(startLinphone, 'off', 'off'),
      side(startBaresip, 'dtls', 'dtls'),
      { caller: 'plain', agent: 'dtls' },
    ],
    [
      'baresip calls with DTLS, linphone is the agent with SRTP required',
      side(startBaresip, 'dtls', 'dtls'),
      side(startLinphone, 'required', 'required'),
      { caller: 'dtls', agent: 'sdes' },
    ],
    [
      'baresip calls with DTLS, baresip is the agent with DTLS',
      side(startBaresip, 'dtls', 'dtls'),
      side(startBaresip, 'dtls', 'dtls'),
      { caller: 'dtls', agent: 'dtls' },
    ],
    [
      'linphone calls with DTLS, baresip is the agent with SRTP required',
      side(startLinphone, 'dtls', 'dtls'),
      side(startBaresip, 'required', 'required'),
      { caller: 'dtls', agent: 'sdes' },
    ],
  ];

  for (const [title, caller, agent, kinds] of cases) {
    it(`hand-over, audio both ways: ${title}`, async () => {
      const all = await cast(caller, agent);
      const callId = await handOver(all);
      const ladder = await ladderOf(all, callId);
      await endAndListen(all);
      const agreed = new Map<string, Kind>();
      for (const { party, raw } of ladder) {
        assert.doesNotMatch(raw, /inline:(?!\[redacted\])/i, 'no key is shown');
        if (/^SIP\/2\.0 200[^]*\r\nv=0/.test(raw)) agreed.set(party, kindOf(raw));
      }
      assert.deepEqual(
        { caller: agreed.get('caller'), agent: agreed.get('agent'), bot: agreed.get('bot') },
        { ...kinds, bot: 'plain' },
      );
    });
  }

  for (const [title, caller] of [
    ['baresip with SRTP', side(startBaresip, 'required', 'required')],
    ['linphone with SRTP', side(startLinphone, 'required', 'required')],
    ['baresip with DTLS', side(startBaresip, 'dtls', 'dtls')],
  ] as const) {
    it(`hold and resume: ${title} calls`, async () => {
      const plain = side(startBaresip, 'off', 'off');
      const all = await cast(caller, plain, startLinphone);
      await all.caller.dial(`sip:${NUMBERS.basic}@${all.node.target}`);
      await all.node.newestCall((call) => call.state === 'with_bot');
      await hears(all.bot, CALLER_HZ, 10_000);
      await all.caller.hold();
      await all.node.newestCall((call) => call.legs.some((leg) => leg.party === 'caller' && leg.onHold));
      const before = all.bot.heardMs(CALLER_HZ);
      await all.caller.resume();
      await all.node.newestCall((call) => call.legs.every((leg) => !leg.onHold));
      await hears(all.bot, CALLER_HZ, 10_000, before);
      await all.caller.hangUp();
      await all.node.newestCall((call) => call.endedAt !== null);
      await hears(all.caller, BOT_HZ, 10_000);
    });
  }

  const refusals: [string, Side, RegExp][] = [
    ['in plain RTP where SRTP is required', side(startBaresip, 'off', 'required'), /488/],
    ['with SRTP where it is off', side(startBaresip, 'required', 'off'), /488/],
    ['in plain RTP where DTLS is required', side(startBaresip, 'off', 'dtls'), /488/],
    ['with a key in SDP where DTLS is required', side(startBaresip, 'required', 'dtls'), /488/],
    ['with DTLS where keys come from SDP', side(startBaresip, 'dtls', 'optional'), /488/],
  ];

  for (const [title, caller, answer] of refusals) {
    it(`refused: a caller ${title}`, async () => {
      const all = await cast(caller, side(startBaresip, 'off', 'off'));
      await all.caller.dial(`sip:${NUMBERS.basic}@${all.node.target}`);
      await all.caller.says(answer, 10_000);
    });
  }
});
