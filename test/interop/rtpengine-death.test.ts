import assert from 'node:assert/strict';
import { Talker } from '../integration/media/talker.js';
import { hasOpenssl } from '../support/certificates.js';
import { DtlsPeer } from '../support/dtls-peer.js';
import { NUMBERS, startNodeUnderTest } from '../support/node-under-test.js';
import {
  AGENT_HZ,
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
import { available, hears, startBaresip } from '../support/softphone.js';

describe('Interop: an rtpengine dies under encrypted calls', function () {
  this.timeout(60_000);
  const open: { close(): Promise<void> }[] = [];
  const rtpengines: Rtpengine[] = [];

  before(async function () {
    const missing = ['rtpengine', 'baresip'].filter((program) => !available(program));
    if (missing.length > 0) {
      process.stdout.write(`  ${missing.join(' and ')} not installed: deaths of rtpengine are skipped\n`);
      this.skip();
    }
    rtpengines.push(await startRtpengine(), await startRtpengine());
  });

  after(async () => {
    for (const one of rtpengines) await one.close();
  });

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const mediaSection = (): string => {
    const nodes = rtpengines.map(
      ({ node }) => `{ ng: "${node.address}:${node.port}", dtmf: "127.0.0.1:${node.dtmf!.port}" }`,
    );
    return `media: { kind: rtpengine, nodes: [${nodes.join(', ')}] }`;
  };

  const holderOf = async (): Promise<Rtpengine> => {
    for (const one of rtpengines) if ((await one.calls()).length > 0) return one;
    throw new Error('no rtpengine holds the call');
  };

  const handedOver = async (
    caller: Side,
    agent: Side,
  ): Promise<{ all: Cast; callId: string; holder: Rtpengine }> => {
    const all = await startCast(open, caller, agent, { media: mediaSection(), noJitterBuffer: true });
    const callId = await handOver(all);
    return { all, callId, holder: await holderOf() };
  };

  /** Both hear each other in what comes from now on. */
  const goesOn = async ({ caller, agent, node }: Cast): Promise<void> => {
    await node.newestCall(
      ({ notes }) => notes.filter(({ name }) => name === 'media_moved').length === 2,
      20_000,
    );
    const before = [caller.heardMs(AGENT_HZ), agent.heardMs(CALLER_HZ)] as const;
    await hears(caller, AGENT_HZ, 10_000, before[0]);
    await hears(agent, CALLER_HZ, 10_000, before[1]);
  };

  it('calls with keys in SDP go on at the other one, and no key is shown', async () => {
    const { all, callId, holder } = await handedOver(
      side(startBaresip, 'required', 'required'),
      side(startBaresip, 'optional', 'optional'),
    );
    await holder.kill();
    await goesOn(all);
    await holder.restart();
    const messages = await ladderOf(all, callId);
    for (const { raw } of messages) assert.doesNotMatch(raw, /inline:(?!\[redacted\])/i);
    const offers = messages.filter(
      ({ party, raw }) => party === 'caller' && /^INVITE [^]*\r\no=relevo /.test(raw),
    );
    assert.equal(offers.length, 1, 'the caller was told of the new ports');
    assert.match(offers[0]!.raw, /\r\nm=audio \d+ RTP\/SAVP [^]*\r\na=crypto:\d+ AES_CM_128_HMAC_SHA1_80 /);
    await endAndListen(all);
  });

  it('an rtpengine that is started anew before anybody missed it: its calls go on', async () => {
    const { all, holder } = await handedOver(
      side(startBaresip, 'required', 'required'),
      side(startBaresip, 'off', 'off'),
    );
    await holder.kill();
    await holder.restart();
    await goesOn(all);
    await endAndListen(all);
  });

  it('a DTLS peer is told of the other certificate, shakes hands anew, and hears on (RFC 8842 5)', async function () {
    if (!hasOpenssl()) this.skip();
    const media = await DtlsPeer.open();
    const node = await startNodeUnderTest({
      media: mediaSection(),
      carrierTrunk: ', srtp: required, srtp_keys: dtls',
    });
    open.push(node);
    const bot = await Talker.open(node.botPort, node.sipPort, 0x22);
    const caller = await Talker.open(0, node.sipPort, 0x11);
    try {
      caller.peer.describe = () => media.sdp();
      const heard = async (sdp: string): Promise<string> => {
        const port = Number(/\r\nm=audio (\d+) UDP\/TLS\/RTP\/SAVP /.exec(sdp)?.[1]);
        const named = /\r\na=fingerprint:([^\r]+)/.exec(sdp)?.[1];
        const { fingerprint, receiver } = await media.shakeHands(port);
        assert.equal(fingerprint, named, 'the certificate that was shown is the one that was named');
        await media.hears(0x22, receiver);
        return fingerprint;
      };
      assert.equal(await caller.peer.call(NUMBERS.basic, 'dtls'), 200);
      const first = await heard(caller.peer.answerOf('dtls@soak'));
      const holder = await holderOf();
      await holder.kill();
      const offer = await caller.invited(1);
      assert.match(offer.text, /\r\na=setup:actpass/);
      const second = await heard(offer.text);
      assert.notEqual(second, first);
      await holder.restart();
      caller.peer.request('dtls@soak', 'BYE');
      await node.newestCall(({ endedAt }) => endedAt !== null);
    } finally {
      for (const talker of [bot, caller]) talker.close();
      media.close();
    }
  });
});
