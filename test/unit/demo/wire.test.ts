import assert from 'node:assert/strict';
import { RtpContinuity } from '../../../src/demo/rtp-continuity.js';
import { readRtp } from '../../../src/demo/rtp-reader.js';
import {
  answerDirection,
  readSessionDescription,
  writeSessionDescription,
} from '../../../src/demo/session-description.js';
import {
  hopOfResponse,
  markSource,
  nextHopOfRequest,
  stampVia,
  topVia,
  unstampVia,
} from '../../../src/demo/sip-routing.js';
import { StreamFraming } from '../../../src/demo/stream-framing.js';
import { decodeTelephoneEvent, encodeTelephoneEvent } from '../../../src/demo/telephone-event.js';

const request = (uri: string, ...headers: string[]): string =>
  [`INVITE ${uri} SIP/2.0`, ...headers, 'Content-Length: 0', '', ''].join('\r\n');

describe('demonstration transport: where a message goes', () => {
  it('sends a request to its Request-URI, or to the first Route where there is one', () => {
    assert.deepEqual(nextHopOfRequest(request('sip:a@192.0.2.1:5070;transport=udp'), 'tcp'), {
      protocol: 'udp',
      host: '192.0.2.1',
      port: 5070,
    });
    const routed = request('sip:a@192.0.2.1', 'Route: <sip:192.0.2.9:5080;lr>', 'Route: <sip:192.0.2.8;lr>');
    assert.deepEqual(nextHopOfRequest(routed, 'tcp'), { protocol: 'tcp', host: '192.0.2.9', port: 5080 });
    assert.throws(() => nextHopOfRequest(request('tel:+15551234'), 'tcp'), /cannot send to/);
  });

  it('sends a response over UDP to received and rport, over TCP to received and the port of sent-by', () => {
    const marked = (via: string) =>
      topVia(markSource(request('sip:a@b', `Via: ${via}`), { host: '198.51.100.7', port: 4444 }))!;
    const udp = marked('SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK1');
    assert.deepEqual(hopOfResponse(udp), { protocol: 'udp', host: '198.51.100.7', port: 4444 });
    const noRport = marked('SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1');
    assert.deepEqual(hopOfResponse(noRport), { protocol: 'udp', host: '198.51.100.7', port: 5062 });
    const tcp = marked('SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1;rport');
    assert.deepEqual(hopOfResponse(tcp), { protocol: 'tcp', host: '198.51.100.7', port: 5060 });
  });

  it('writes its own port into Via and takes it out again for sip.js', () => {
    const sent = stampVia(request('sip:a@b', 'Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1'), {
      protocol: 'udp',
      host: '127.0.0.1',
      port: 17001,
    });
    assert.match(sent, /^Via: SIP\/2\.0\/UDP 127\.0\.0\.1:17001;rport;branch=z9hG4bK1\r$/m);
    assert.match(unstampVia(sent, { host: '127.0.0.1', port: 17001 }), /UDP 127\.0\.0\.1;rport;branch/);
  });
});

describe('demonstration transport: stream framing', () => {
  const body = 'v=0\r\nünï\r\n';
  const withBody = `INFO sip:a@b SIP/2.0\r\nl: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const bare = 'BYE sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n';

  it('cuts messages apart however the bytes arrive, keep-alives between them', () => {
    const stream = Buffer.from(`\r\n\r\n${withBody}${bare}\r\n\r\n${withBody}`);
    for (const size of [1, 7, 40, stream.length]) {
      const framing = new StreamFraming();
      const messages: string[] = [];
      for (let at = 0; at < stream.length; at += size)
        messages.push(...framing.push(stream.subarray(at, at + size)));
      assert.deepEqual(messages, [withBody, bare, withBody]);
    }
  });

  it('gives a stream up that announces too large a message', () => {
    const framing = new StreamFraming();
    assert.throws(() =>
      framing.push(Buffer.from('INFO sip:a@b SIP/2.0\r\nContent-Length: 99999999\r\n\r\n')),
    );
    assert.throws(() => framing.push(Buffer.alloc(70_000, 'a')));
  });
});

describe('demonstration media: session descriptions', () => {
  it('reads back what it writes', () => {
    const audio = {
      host: '127.0.0.1',
      port: 33000,
      direction: 'sendonly',
      codecs: ['PCMA', 'PCMU'],
      telephoneEventType: 96,
    } as const;
    assert.deepEqual(
      readSessionDescription(writeSessionDescription({ sessionId: 1, version: 1 }, audio)),
      audio,
    );
  });

  it('takes address and direction from the media level before the session level', () => {
    const sdp = (session: string, media: string): string =>
      `v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n${session}t=0 0\r\nm=audio 4000 RTP/AVP 0\r\n${media}`;
    assert.equal(readSessionDescription(sdp('a=sendonly\r\n', '')).direction, 'sendonly');
    assert.equal(readSessionDescription(sdp('a=sendonly\r\n', 'a=inactive\r\n')).direction, 'inactive');
    assert.equal(readSessionDescription(sdp('', 'c=IN IP4 192.0.2.2\r\n')).host, '192.0.2.2');
    assert.equal(readSessionDescription(sdp('', 'c=IN IP4 0.0.0.0\r\n')).direction, 'sendonly');
    assert.throws(() => readSessionDescription('v=0\r\n'), /no audio/);
  });

  it('answers a direction with its complement, cut down to what is wanted', () => {
    assert.equal(answerDirection('sendonly', 'sendrecv'), 'recvonly');
    assert.equal(answerDirection('sendrecv', 'sendonly'), 'sendonly');
    assert.equal(answerDirection('sendonly', 'sendonly'), 'inactive');
    assert.equal(answerDirection('inactive', 'sendrecv'), 'inactive');
  });
});

describe('demonstration media: RTP', () => {
  it('telephone-events read back as written; anything but a digit is no DTMF', () => {
    const event = { digit: '#', end: true, duration: 800 };
    assert.deepEqual(decodeTelephoneEvent(encodeTelephoneEvent(event)), event);
    assert.throws(() => encodeTelephoneEvent({ digit: 'x', end: false, duration: 0 }), RangeError);
    assert.equal(decodeTelephoneEvent(Buffer.from([16, 0, 0, 0])), null);
    assert.equal(decodeTelephoneEvent(Buffer.from([1])), null);
  });

  it('tells RTP from RTCP and from noise', () => {
    const rtp = Buffer.alloc(172);
    rtp[0] = 0x80;
    assert.equal(readRtp(rtp).kind, 'rtp');
    rtp[1] = 200;
    assert.equal(readRtp(rtp).kind, 'rtcp');
    assert.equal(readRtp(Buffer.from('hello')).kind, 'malformed');
    rtp[0] = 0x90;
    rtp[1] = 0;
    assert.equal(readRtp(rtp).kind, 'malformed');
  });

  const packet = (
    sequenceNumber: number,
    timestamp: number,
    rest: { ssrc?: number; marker?: boolean } = {},
  ) => ({
    sequenceNumber: sequenceNumber & 0xffff,
    timestamp: timestamp >>> 0,
    ssrc: rest.ssrc ?? 1,
    marker: rest.marker ?? false,
    samples: 160,
  });

  it('a steady stream that wraps is continuous', () => {
    const continuity = new RtpContinuity();
    for (let i = -5; i < 5; i++) continuity.receive(packet(i, i * 160));
    const { packets, lost, late, ssrcChanges, timestampJumps } = continuity.report();
    assert.deepEqual([packets, lost, late, ssrcChanges, timestampJumps], [10, 0, 0, 0, 0]);
  });

  it('counts loss, late packets, a new SSRC, and timestamps that jump or run backwards', () => {
    const continuity = new RtpContinuity();
    continuity.receive(packet(1, 0));
    continuity.receive(packet(4, 480));
    continuity.receive(packet(3, 320));
    continuity.receive(packet(5, 1000));
    continuity.receive(packet(6, 500, { marker: true }));
    continuity.receive(packet(7, 9000, { marker: true }));
    continuity.receive(packet(900, 0, { ssrc: 2 }));
    const { lost, late, ssrcChanges, timestampJumps } = continuity.report();
    assert.deepEqual([lost, late, ssrcChanges, timestampJumps], [2, 1, 1, 2]);
  });
});
