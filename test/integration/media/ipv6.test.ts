import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { MediaRig, portOf } from './media-rig.js';
import { rtp, type Phone } from './phone.js';

const VOICE = Buffer.alloc(160, 0x11);

describe('RTP over IPv6', () => {
  let rig: MediaRig;
  let socket: Socket;
  let other: Phone;
  beforeEach(async () => {
    rig = await MediaRig.start({ first: 30_300, last: 30_399 });
    socket = createSocket('udp6');
    socket.bind(0, '::1');
    await once(socket, 'listening');
    other = await rig.phone();
    await rig.leg('call.2', other);
  });
  afterEach(async () => {
    socket.close();
    await rig.close();
  });

  const description = (): string =>
    [
      'v=0',
      'o=- 1 1 IN IP6 ::1',
      's=-',
      'c=IN IP6 0:0:0:0:0:0:0:1',
      't=0 0',
      `m=audio ${socket.address().port} RTP/AVP 0`,
      '',
    ].join('\r\n');

  it('answers an IPv6 offer in kind, and relays to and from an IPv4 leg', async () => {
    const answer = await rig.offer('call.1', description());
    assert.equal(answer.kind, 'localSdp');
    assert.match(answer.sdp, /\r\nc=IN IP6 ::1\r\n/);
    rig.bridge('call.1', 'call.2');
    let sequence = 0;
    const timer = setInterval(() => {
      socket.send(rtp(0, sequence, sequence * 160, 7, VOICE), portOf(answer), '::1');
      sequence++;
    }, 20);
    const [packet, from] = (await once(socket, 'message')) as [Buffer, RemoteInfo];
    await other.hearsOne(({ payload }) => payload.equals(VOICE), 0);
    clearInterval(timer);
    assert.equal(from.address, '::1');
    assert.equal(packet.length, 172);
  });

  it('offers its IPv6 address where that is wished for', async () => {
    const event = await rig.ask({
      kind: 'makeOffer',
      callId: 'call',
      legId: 'call.3',
      requestId: rig.requestId(),
      party: 'bot',
      codecs: ['PCMA'],
      symmetricRtp: false,
      family: 6,
      direction: 'sendrecv',
    });
    assert.equal(event.kind === 'localSdp' && /c=IN IP6 ::1/.test(event.sdp), true);
  });
});
