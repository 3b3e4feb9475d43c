import assert from 'node:assert/strict';
import type { CodecName } from '../../../src/call/project.js';
import { unlikeCodecs, type CodecSide } from '../../../src/media/codec-match.js';
import { SdpSession } from '../../../src/media/sdp/sdp-session.js';
import { opusSamples } from '../../../src/rtp/opus.js';

const OPUS_OFFER = [
  'm=audio 4000 RTP/AVP 96 9 0 8 13 98 97',
  'a=rtpmap:96 opus/48000/2',
  'a=rtpmap:98 telephone-event/48000',
  'a=rtpmap:97 telephone-event/8000',
];

function sdp(media: readonly string[], address = 'IP4 198.51.100.7'): string {
  return ['v=0', `o=- 1 1 IN ${address}`, 's=-', `c=IN ${address}`, 't=0 0', ...media, ''].join('\r\n');
}

function answerTo(media: readonly string[], codecs: readonly CodecName[], on = makeSession()) {
  const result = on.makeAnswer(sdp(media), codecs, 'sendrecv');
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

const makeSession = (address = '192.0.2.1'): SdpSession => new SdpSession(address, 20_000, '77');
const audioLine = (text: string): string => /^m=audio.*$/m.exec(text)![0].trim();

describe('codecs in SDP', () => {
  it('answers with what is liked better than G.711, one G.711 codec, and events of each clock', () => {
    const { sdp: text, settings } = answerTo(OPUS_OFFER, ['opus', 'PCMA', 'PCMU']);
    assert.equal(audioLine(text), 'm=audio 20000 RTP/AVP 96 8 98 97');
    assert.match(text, /a=rtpmap:96 opus\/48000\/2\r\n/);
    assert.match(text, /a=rtpmap:98 telephone-event\/48000\r\n/);
    assert.deepEqual(
      [settings.sendCodec, settings.sendPayloadType, settings.peerCodec, settings.passThrough],
      ['PCMA', 8, 'opus', [{ codec: 'opus', payloadType: 96 }]],
    );
    assert.deepEqual([settings.sendEventPayloadType, settings.sendWideEventPayloadType], [97, 98]);
  });

  it('answers with one codec where G.711 comes first', () => {
    const { sdp: text, settings } = answerTo(OPUS_OFFER, ['PCMU', 'opus', 'G722']);
    assert.equal(audioLine(text), 'm=audio 20000 RTP/AVP 0 97');
    assert.equal(settings.peerCodec, 'PCMU');
  });

  it('agrees on comfort noise and on G.722 with its clock of 8000 Hz', () => {
    const { sdp: text } = answerTo(OPUS_OFFER, ['G722', 'PCMU', 'CN']);
    assert.equal(audioLine(text), 'm=audio 20000 RTP/AVP 9 0 13 97');
    assert.match(text, /a=rtpmap:9 G722\/8000\r\n/);
    assert.match(text, /a=rtpmap:13 CN\/8000\r\n/);
  });

  it('refuses an offer without G.711, in which this node could not speak', () => {
    const media = ['m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 opus/48000/2'];
    const result = makeSession().makeAnswer(sdp(media), ['opus', 'PCMA'], 'sendrecv');
    assert.equal(
      result.ok ? '' : `${result.failure.status} ${result.failure.code}`,
      '488 sdp_no_common_codec',
    );
  });

  it('offers a telephone-event for each clock, and sends under the numbers of the answer', () => {
    const on = makeSession();
    const offer = on.makeOffer(['opus', 'G722', 'PCMA'], 'sendrecv');
    assert.equal(audioLine(offer), 'm=audio 20000 RTP/AVP 111 9 8 101 110'.replace('101 110', '110 101'));
    const taken = on.takeAnswer(
      sdp([
        'm=audio 4000 RTP/AVP 107 8 100',
        'a=rtpmap:107 opus/48000/2',
        'a=rtpmap:100 telephone-event/48000',
      ]),
    );
    assert.ok(taken.ok);
    const { settings } = taken.value;
    assert.deepEqual(settings.passThrough, [{ codec: 'opus', payloadType: 107 }]);
    assert.deepEqual([settings.receiveWideEventPayloadType, settings.sendWideEventPayloadType], [110, 100]);
  });

  it('keeps the payload types of the session in offers of its own (RFC 3264 8.3.2)', () => {
    const on = makeSession();
    answerTo(OPUS_OFFER, ['opus', 'PCMA'], on);
    assert.equal(
      audioLine(on.makeOffer(['opus', 'PCMA', 'G722'], 'sendrecv')),
      'm=audio 20000 RTP/AVP 96 8 9 98 97',
    );
  });

  it('offers rtcp-mux until a peer has answered without it (RFC 5761 5.1.1)', () => {
    const on = makeSession();
    assert.match(on.makeOffer(['PCMA'], 'sendrecv'), /a=rtcp-mux/);
    const plain = on.takeAnswer(sdp(['m=audio 4000 RTP/AVP 8']));
    assert.equal(plain.ok && plain.value.settings.rtcpMux, false);
    assert.doesNotMatch(on.makeOffer(['PCMA'], 'sendrecv'), /a=rtcp-mux/);
  });

  it('sends short packets where maxptime wants them, and no RTCP where its bandwidth is zero', () => {
    const short = answerTo(['m=audio 4000 RTP/AVP 8', 'a=maxptime:10'], ['PCMA']).settings;
    assert.equal(short.packetSamples, 80);
    const quiet = answerTo(['m=audio 4000 RTP/AVP 8', 'b=RS:0', 'b=RR:0'], ['PCMA']).settings;
    assert.equal(quiet.remoteRtcp, null);
    const both = answerTo(['m=audio 4000 RTP/AVP 8', 'b=AS:80', 'a=maxptime:150'], ['PCMA']).settings;
    assert.deepEqual([both.packetSamples, both.remoteRtcp?.port], [160, 4001]);
  });

  it('speaks IPv6 with an IPv6 peer, and 488 across versions', () => {
    const six = sdp(['m=audio 4000 RTP/AVP 8', 'a=rtcp:5000 IN IP6 2001:DB8:0::9'], 'IP6 2001:DB8:0:0::7');
    const result = makeSession('2001:db8::1').makeAnswer(six, ['PCMA'], 'sendrecv');
    assert.ok(result.ok);
    assert.match(result.value.sdp, /\r\nc=IN IP6 2001:db8::1\r\n/);
    assert.match(result.value.sdp, /^o=relevo 77 1 IN IP6 2001:db8::1\r$/m);
    assert.equal(result.value.settings.remoteRtp?.address, '2001:db8::7');
    assert.deepEqual(result.value.settings.remoteRtcp, { address: '2001:db8::9', port: 5000 });
    const crossed = makeSession().makeAnswer(six, ['PCMA'], 'sendrecv');
    assert.equal(crossed.ok ? '' : crossed.failure.code, 'sdp_address');
  });
});

describe('codecs of joined legs', () => {
  const side = (legId: string, codecs: readonly CodecName[], hears: string): CodecSide => ({
    legId,
    codecs,
    settings: answerTo(OPUS_OFFER, codecs).settings,
    source: { kind: 'leg', legId: hears },
  });
  const found = (...sides: CodecSide[]) => unlikeCodecs(new Map(sides.map((each) => [each.legId, each])));

  it('asks the side with Opus for what the other has', () => {
    assert.deepEqual(found(side('a', ['opus', 'G722', 'PCMA'], 'b'), side('b', ['PCMU'], 'a')), [
      { kind: 'codecUnlike', legId: 'a', codecs: ['PCMA'] },
    ]);
  });

  it('asks nobody where both have it, or both have G.711', () => {
    assert.deepEqual(found(side('a', ['opus', 'PCMA'], 'b'), side('b', ['opus', 'PCMU'], 'a')), []);
    assert.deepEqual(found(side('a', ['PCMA'], 'b'), side('b', ['PCMU'], 'a')), []);
  });

  it('asks both ends of what somebody listens to for G.711, and leaves them alone where they have it', () => {
    const tap = (legId: string): CodecSide => ({
      ...side('c', ['PCMU'], 'a'),
      source: { kind: 'tap', legId },
    });
    const both = [side('a', ['opus', 'PCMA'], 'b'), side('b', ['opus', 'PCMU'], 'a')] as const;
    assert.deepEqual(found(...both), []);
    assert.deepEqual(
      found(...both, tap('a')).map(({ legId, codecs }) => [legId, codecs]),
      [
        ['a', ['PCMA']],
        ['b', ['PCMU']],
      ],
    );
    assert.deepEqual(found(side('a', ['PCMA'], 'b'), side('b', ['PCMU'], 'a'), tap('a')), []);
  });

  it('asks mixed parties for G.711', () => {
    const mixed: CodecSide = {
      ...side('c', ['opus', 'PCMA'], 'a'),
      source: { kind: 'mix', legIds: ['a', 'b'] },
    };
    const events = found(side('a', ['opus', 'PCMA'], 'c'), side('b', ['G722', 'PCMA'], 'x'), mixed);
    assert.deepEqual(
      events.map(({ legId, codecs }) => [legId, codecs]),
      [
        ['a', ['PCMA']],
        ['b', ['PCMA']],
      ],
    );
  });
});

describe('Opus packets (RFC 6716 3.1)', () => {
  it('tells how long they last', () => {
    const samples = (...bytes: number[]): number => opusSamples(Buffer.from(bytes), 0, bytes.length);
    assert.equal(samples(1 << 3, 0), 960, 'SILK 20 ms');
    assert.equal(samples(31 << 3, 0), 960, 'CELT 20 ms');
    assert.equal(samples((28 << 3) | 1, 0), 240, 'two of 2.5 ms');
    assert.equal(samples((15 << 3) | 3, 3), 2880, 'three of 20 ms');
    assert.equal(samples(), 0);
  });
});
