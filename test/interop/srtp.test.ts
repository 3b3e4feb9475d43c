import assert from 'node:assert/strict';
import { NUMBERS } from '../support/node-under-test.js';
import {
  endAndListen,
  handOver,
  holdAndResume,
  ladderOf,
  side,
  startCast,
  type Cast,
  type Side,
} from '../support/phone-cast.js';
import { available, startBaresip, startLinphone, type StartPhone } from '../support/softphone.js';

describe('Interop: SRTP with baresip and linphone', function () {
  this.timeout(60_000);
  const open: { close(): Promise<void> }[] = [];

  before(function () {
    const missing = ['baresip', 'linphonec'].filter((program) => !available(program));
    if (missing.length > 0) {
      process.stdout.write(`  ${missing.join(' and ')} not installed: SRTP interop tests are skipped\n`);
      this.skip();
    }
  });

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const cast = (caller: Side, agent: Side, startBot?: StartPhone): Promise<Cast> =>
    startCast(open, caller, agent, startBot ? { startBot } : {});

  const cases: [string, Side, Side, { encrypted: ('caller' | 'agent')[] }][] = [
    [
      'baresip calls with SRTP required, linphone is the agent in plain RTP',
      side(startBaresip, 'required', 'required'),
      side(startLinphone, 'off', 'off'),
      { encrypted: ['caller'] },
    ],
    [
      'linphone calls in plain RTP, baresip is the agent with SRTP required',
      side(startLinphone, 'off', 'off'),
      side(startBaresip, 'required', 'required'),
      { encrypted: ['agent'] },
    ],
    [
      'linphone calls with SRTP required, baresip is the agent with SRTP, keys of its own',
      side(startLinphone, 'required', 'required'),
      side(startBaresip, 'optional', 'optional'),
      { encrypted: ['caller', 'agent'] },
    ],
    [
      'baresip calls with optional SRTP, linphone is the agent with SRTP required',
      side(startBaresip, 'optional', 'optional'),
      side(startLinphone, 'required', 'required'),
      { encrypted: ['caller', 'agent'] },
    ],
    [
      'optional here, and plain RTP there: baresip calls, linphone is the agent',
      side(startBaresip, 'off', 'optional'),
      side(startLinphone, 'off', 'optional'),
      { encrypted: [] },
    ],
    [
      'optional on both sides: baresip calls with SRTP, linphone prefers plain RTP',
      side(startBaresip, 'optional', 'optional'),
      side(startLinphone, 'optional', 'optional'),
      { encrypted: ['caller'] },
    ],
  ];

  for (const [title, caller, agent, { encrypted }] of cases) {
    it(`hand-over, audio both ways: ${title}`, async () => {
      const all = await cast(caller, agent);
      const callId = await handOver(all);
      const ladder = await ladderOf(all, callId);
      await endAndListen(all);
      for (const { party, raw } of ladder) {
        assert.doesNotMatch(raw, /inline:(?!\[redacted\])/i, 'no key is shown');
        if (!/^SIP\/2\.0 200[^]*\r\nv=0/.test(raw)) continue;
        const wanted = (encrypted as string[]).includes(party);
        assert.equal(/\r\na=crypto:/.test(raw), wanted, `${party}: ${raw}`);
      }
    });
  }

  for (const start of [startBaresip, startLinphone]) {
    it(`hold and resume keep the stream: ${start.name.slice(5)} calls with SRTP`, async () => {
      const plain = side(startBaresip, 'off', 'off');
      const ended = await holdAndResume(
        await cast(side(start, 'required', 'required'), plain, startLinphone),
      );
      assert.equal(ended.state, 'ended');
    });
  }

  it('a caller without SRTP is refused with 488 where it is required', async () => {
    const all = await cast(side(startBaresip, 'off', 'required'), side(startLinphone, 'off', 'off'));
    await all.caller.dial(`sip:${NUMBERS.basic}@${all.node.target}`);
    await all.caller.says(/488/, 10_000);
  });

  it('a caller with SRTP is refused with 488 where it is off', async () => {
    const all = await cast(side(startLinphone, 'required', 'off'), side(startBaresip, 'off', 'off'));
    await all.caller.dial(`sip:${NUMBERS.basic}@${all.node.target}`);
    await all.caller.says(/488|Not [Aa]cceptable/, 10_000);
  });
});
