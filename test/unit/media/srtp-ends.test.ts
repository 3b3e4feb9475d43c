import assert from 'node:assert/strict';
import { writeRtpHeader } from '../../../src/rtp/packet.js';
import { SrtpReceiver } from '../../../src/rtp/srtp/srtp-receiver.js';
import { InboundSrtp } from '../../../src/media/worker/inbound-srtp.js';
import { OutboundSrtp } from '../../../src/media/worker/outbound-srtp.js';
import type { SrtpSettings } from '../../../src/media/worker-messages.js';

const key = (fill: number): string => Buffer.alloc(30, fill).toString('base64');
const settings = (send: number, receive: number): SrtpSettings => ({
  suite: 'AES_CM_128_HMAC_SHA1_80',
  sendKey: key(send),
  receiveKey: key(receive),
});

function rtp(sequence: number): Buffer {
  const packet = Buffer.alloc(172, 0x55);
  writeRtpHeader(packet, 0, 0, 8, sequence & 0xffff, sequence * 160, 77);
  return packet;
}

function sealed(by: OutboundSrtp, sequence: number): Buffer {
  const packet = by.sender!.protect(rtp(sequence), 0, 172);
  assert.ok(packet);
  return packet;
}

describe('SRTP of a leg through new offers', () => {
  it('goes on with its rollover counter where our key is the same, whatever the peer has', () => {
    const ours = new OutboundSrtp();
    const peer = new SrtpReceiver('AES_CM_128_HMAC_SHA1_80', Buffer.alloc(30, 1));
    for (let sequence = 0; sequence < 300_000; sequence += 10_000) {
      ours.configure(settings(1, sequence));
      assert.equal(peer.unprotect(sealed(ours, sequence), 12), 172, `packet ${sequence}`);
    }
    assert.equal(peer.indices.get(77), 290_000);
  });

  it('takes late packets under the key before for two seconds', () => {
    const [peer, ours] = [new OutboundSrtp(), new InboundSrtp()];
    peer.configure(settings(1, 9));
    ours.configure(settings(9, 1), 0);
    assert.equal(ours.unprotect(sealed(peer, 1), 12, 0), 172);
    const [late, tooLate] = [sealed(peer, 2), sealed(peer, 3)];
    ours.configure(settings(9, 2), 1000);
    assert.equal(ours.unprotect(late, 12, 2999), 172);
    assert.equal(ours.unprotect(tooLate, 12, 3000), 'SRTP not authentic');
    peer.configure(settings(2, 9));
    assert.equal(ours.unprotect(sealed(peer, 4), 12, 3000), 172);
  });

  it('remembers what it saw under a key that comes back', () => {
    const [peer, ours] = [new OutboundSrtp(), new InboundSrtp()];
    peer.configure(settings(1, 9));
    ours.configure(settings(9, 1), 0);
    const packet = sealed(peer, 1);
    const copy = Buffer.from(packet);
    assert.equal(ours.unprotect(packet, 12, 0), 172);
    ours.configure(settings(9, 2), 0);
    ours.configure(settings(9, 1), 0);
    assert.equal(ours.unprotect(copy, 12, 0), 'SRTP seen before');
  });

  it('uses no keystream twice where the branches of a fork answer with one suite, another, and the first again', () => {
    const ours = new OutboundSrtp();
    const report = Buffer.from('81c90007000000000000000000000000', 'hex');
    ours.configure(settings(1, 9));
    const first = sealed(ours, 5);
    const firstReport = ours.sender!.protectRtcp(report)!;
    ours.configure(settings(2, 9));
    sealed(ours, 6);
    ours.configure(settings(1, 8));
    const again = rtp(5);
    again.fill(0x66, 12);
    assert.equal(ours.sender!.protect(again, 0, 172), null);
    const nextReport = ours.sender!.protectRtcp(report)!;
    assert.notDeepEqual(nextReport.subarray(8), firstReport.subarray(8));
    assert.notEqual(sealed(ours, 7).length, 0);
    assert.equal(first.length, 182);
  });

  it('is plain RTP again where that was agreed', () => {
    const [inbound, outbound] = [new InboundSrtp(), new OutboundSrtp()];
    inbound.configure(settings(1, 2), 0);
    outbound.configure(settings(1, 2));
    assert.equal(inbound.on, true);
    assert.ok(outbound.sender);
    inbound.configure(null, 0);
    outbound.configure(null);
    assert.equal(inbound.on, false);
    assert.equal(outbound.sender, null);
  });
});
