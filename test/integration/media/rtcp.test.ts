import assert from 'node:assert/strict';
import { looksLikeRtcp } from '../../../src/rtp/packet.js';
import { buildRtcp, parseRtcp, type ParsedRtcp } from '../../../src/rtp/rtcp.js';
import { MediaRig } from './media-rig.js';

describe('media RTCP', () => {
  let rig: MediaRig;
  beforeEach(async () => {
    rig = await MediaRig.start();
  });
  afterEach(() => rig.close());

  it('says BYE with its counts when a leg closes, on the RTP port where rtcp-mux was agreed', async () => {
    const a = await rig.phone();
    const to = await rig.leg('call.1', a, { extra: ['a=rtcp-mux'] });
    rig.hear('call.1', { kind: 'silence' });
    const goodbye = new Promise<ParsedRtcp | null>((resolve) => {
      a.socket.on('message', (packet) => {
        if (looksLikeRtcp(packet)) resolve(parseRtcp(packet));
      });
    });
    for (let i = 0; i < 5; i++) a.say(to, Buffer.alloc(160, 1));
    a.socket.send(
      buildRtcp({ ssrc: a.ssrc, cname: 'a', sender: null, block: null, bye: false }),
      to,
      '127.0.0.1',
    );
    await a.hears(5);
    const { stats } = await rig.closeLeg('call.1');
    const report = await goodbye;
    assert.ok(report?.bye && report.cname);
    assert.equal(report.ssrc, a.heard[0]!.ssrc);
    assert.equal(report.sender?.packets, stats?.packetsSent);
    assert.equal(report.blocks[0]?.ssrc, a.ssrc);
    assert.deepEqual([report.blocks[0].cumulativeLost, stats?.packetsRejected], [0, 0]);
  });

  it('takes round trip, loss and jitter from the reports of the peer, and estimates the quality', async function () {
    this.timeout(20_000);
    const a = await rig.phone();
    const to = await rig.leg('call.1', a, { extra: ['a=rtcp-mux'] });
    rig.hear('call.1', { kind: 'ringback' });
    for (let i = 0; i < 5; i++) a.say(to, Buffer.alloc(160, 1));
    const sender = await new Promise<ParsedRtcp>((resolve) => {
      a.socket.on('message', (packet) => {
        const report = looksLikeRtcp(packet) ? parseRtcp(packet) : null;
        if (report?.sender) resolve(report);
      });
    });
    const block = {
      ssrc: sender.ssrc,
      fractionLost: 0,
      cumulativeLost: 3,
      extendedHighestSequence: 0,
      jitter: 80,
      lastSenderReport: sender.sender!.ntpMiddle,
      delaySinceLastSenderReport: 0,
    };
    a.socket.send(buildRtcp({ ssrc: a.ssrc, cname: 'a', sender: null, block, bye: false }), to, '127.0.0.1');
    // What comes behind the report shows that it has been read.
    const seen = a.heard.length;
    await a.hears(seen + 10);
    const { stats } = await rig.closeLeg('call.1');
    assert.ok(stats?.roundTripMs !== null && stats!.roundTripMs >= 0 && stats!.roundTripMs < 5000);
    assert.deepEqual([stats!.farPacketsLost, stats!.farJitterMs], [3, 10]);
    assert.ok(stats!.mos !== null && stats!.mos > 3 && stats!.farMos !== null && stats!.farMos > 3);
  });

  it('tells of a party that is sent audio and sends none', async function () {
    this.timeout(30_000);
    const a = await rig.phone();
    await rig.leg('call.1', a);
    const told = rig.next(({ kind }) => kind === 'oneWayAudio');
    rig.hear('call.1', { kind: 'ringback' });
    const event = await told;
    assert.ok(event.kind === 'oneWayAudio' && event.missing === 'received' && event.forMs >= 10_000);
  });
});
