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
});
