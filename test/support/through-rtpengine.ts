import assert from 'node:assert/strict';
import { NUMBERS } from './node-under-test.js';
import {
  endAndListen,
  handOver,
  holdAndResume,
  ladderOf,
  side,
  startCast,
  type Cast,
  type Side,
} from './phone-cast.js';
import { startRtpengine, type Rtpengine } from './rtpengine.js';
import { available, startBaresip, startLinphone } from './softphone.js';

export type Kind = 'plain' | 'sdes' | 'dtls';

/** What the audio line of a 200 agreed on. */
const kindOf = (sdp: string): Kind => {
  if (/\r\na=fingerprint:/.test(sdp)) return 'dtls';
  return /\r\na=crypto:/.test(sdp) ? 'sdes' : 'plain';
};

/** What is to be tried: names with the sides of caller and agent, and what they agree on. */
export interface ThroughRtpengine {
  readonly cases: readonly (readonly [string, Side, Side, { readonly caller: Kind; readonly agent: Kind }])[];
  readonly holds: readonly (readonly [string, Side])[];
  readonly refusals: readonly (readonly [string, Side])[];
}

/** Hand-overs with what was agreed, holds, and refusals, all with real phones and the real rtpengine. */
export function describeThroughRtpengine(title: string, { cases, holds, refusals }: ThroughRtpengine): void {
  describe(title, function () {
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

    for (const [name, caller, agent, kinds] of cases) {
      it(`hand-over, audio both ways: ${name}`, async () => {
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

    for (const [name, caller] of holds) {
      it(`hold and resume: ${name} calls`, async () => {
        const plain = side(startBaresip, 'off', 'off');
        await holdAndResume(await cast(caller, plain, startLinphone));
      });
    }

    for (const [name, caller] of refusals) {
      it(`refused: a caller ${name}`, async () => {
        const all = await cast(caller, side(startBaresip, 'off', 'off'));
        await all.caller.dial(`sip:${NUMBERS.basic}@${all.node.target}`);
        await all.caller.says(/488/, 10_000);
      });
    }
  });
}
