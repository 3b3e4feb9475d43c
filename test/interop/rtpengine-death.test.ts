import assert from 'node:assert/strict';
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

  const handedOver = async (
    caller: Side,
    agent: Side,
  ): Promise<{ all: Cast; callId: string; holder: Rtpengine }> => {
    const nodes = rtpengines.map(
      ({ node }) => `{ ng: "${node.address}:${node.port}", dtmf: "127.0.0.1:${node.dtmf!.port}" }`,
    );
    const media = `media: { kind: rtpengine, nodes: [${nodes.join(', ')}] }`;
    const all = await startCast(open, caller, agent, { media, noJitterBuffer: true });
    const callId = await handOver(all);
    const held = await Promise.all(
      rtpengines.map(async (one) => ((await one.calls()).length > 0 ? one : null)),
    );
    const holder = held.find((one) => one !== null);
    assert.ok(holder, 'one of them holds the call');
    return { all, callId, holder };
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

  it('calls with keys in SDP go on at the other one; no key is shown, and ours are the same', async () => {
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
});
