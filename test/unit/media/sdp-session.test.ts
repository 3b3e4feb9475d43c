import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MediaDirection } from '../../../src/call/media-port.js';
import { readRemoteDescription } from '../../../src/media/sdp/remote-description.js';
import { SdpSession } from '../../../src/media/sdp/sdp-session.js';

const session = (): SdpSession => new SdpSession('192.0.2.1', 20_000, '77');

function sdp(options: {
  media?: readonly string[];
  connection?: string | null;
  sessionLines?: readonly string[];
}): string {
  const connection = options.connection === undefined ? 'c=IN IP4 198.51.100.7' : options.connection;
  return [
    'v=0',
    'o=- 1 1 IN IP4 198.51.100.7',
    's=-',
    ...(connection === null ? [] : [connection]),
    't=0 0',
    ...(options.sessionLines ?? []),
    ...(options.media ?? ['m=audio 4000 RTP/AVP 0 8 101', 'a=rtpmap:101 telephone-event/8000']),
    '',
  ].join('\r\n');
}

function answer(remote: string, on = session(), wish: MediaDirection = 'sendrecv') {
  const result = on.makeAnswer(remote, ['PCMA', 'PCMU'], wish);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

function refusal(remote: string): string {
  const result = session().makeAnswer(remote, ['PCMA'], 'sendrecv');
  assert.ok(!result.ok);
  return `${result.failure.status} ${result.failure.code}`;
}

const version = (text: string): number => Number(/^o=\S+ 77 (\d+)/m.exec(text)![1]);
const audioLine = (text: string): string => /^m=audio.*$/m.exec(text)![0].trim();

describe('SDP offer/answer (RFC 3264)', () => {
  it('answers with the first of our codecs and the telephone-event type of the offer', () => {
    const { sdp: text, settings } = answer(
      sdp({ media: ['m=audio 4000 RTP/AVP 0 8 96', 'a=rtpmap:96 telephone-event/8000', 'a=rtcp:5001'] }),
    );
    assert.equal(audioLine(text), 'm=audio 20000 RTP/AVP 8 96');
    assert.match(text, /a=fmtp:96 0-15\r\n/);
    assert.deepEqual(settings.remoteRtp, { address: '198.51.100.7', port: 4000 });
    assert.deepEqual(settings.remoteRtcp, { address: '198.51.100.7', port: 5001 });
    assert.deepEqual(
      [settings.sendCodec, settings.sendPayloadType, settings.sendEventPayloadType],
      ['PCMA', 8, 96],
    );
  });

  it('prefers the connection address of the media level', () => {
    const media = ['m=audio 4000 RTP/AVP 8', 'c=IN IP4 203.0.113.9'];
    assert.equal(answer(sdp({ media })).settings.remoteRtp?.address, '203.0.113.9');
    assert.equal(answer(sdp({ media, connection: null })).settings.remoteRtp?.address, '203.0.113.9');
  });

  it('rejects every other media line with port 0, in order', () => {
    const { sdp: text } = answer(
      sdp({
        media: [
          'm=video 6000 RTP/AVP 31',
          'm=audio 4002 RTP/SAVP 0',
          'm=audio 4000/2 RTP/AVP 8',
          'm=image 7000 udptl t38',
        ],
      }),
    );
    assert.deepEqual(
      text.match(/^m=.*$/gm)?.map((line) => line.trim()),
      ['m=video 0 RTP/AVP 31', 'm=audio 0 RTP/SAVP 0', 'm=audio 20000 RTP/AVP 8', 'm=image 0 udptl t38'],
    );
  });

  it('keeps the media lines of the session in offers of its own', () => {
    const on = session();
    answer(sdp({ media: ['m=video 6000 RTP/AVP 31', 'm=audio 4000 RTP/AVP 8'] }), on);
    assert.deepEqual(on.makeOffer(['PCMA'], 'sendrecv').match(/^m=\w+ \d+/gm), [
      'm=video 0',
      'm=audio 20000',
    ]);
  });

  it('takes rtcp-mux when it is offered', () => {
    const { sdp: text, settings } = answer(sdp({ media: ['m=audio 4000 RTP/AVP 8', 'a=rtcp-mux'] }));
    assert.match(text, /a=rtcp-mux/);
    assert.equal(settings.remoteRtcp?.port, 4000);
  });

  const directions: readonly [string, string | undefined, MediaDirection, MediaDirection][] = [
    ['no attribute', undefined, 'sendrecv', 'sendrecv'],
    ['a=sendonly', undefined, 'sendrecv', 'recvonly'],
    ['a=recvonly', undefined, 'sendrecv', 'sendonly'],
    ['a=inactive', undefined, 'sendrecv', 'inactive'],
    ['a=sendrecv', undefined, 'recvonly', 'recvonly'],
    ['a=sendonly', undefined, 'sendonly', 'inactive'],
    ['no attribute', 'c=IN IP4 0.0.0.0', 'sendrecv', 'recvonly'],
    ['a=inactive', 'c=IN IP4 0.0.0.0', 'sendrecv', 'inactive'],
  ];
  for (const [attribute, connection, wish, agreed] of directions) {
    for (const level of ['session', 'media'] as const) {
      it(`offer with ${attribute} (${level}) ${connection ?? ''}, our wish ${wish}: ${agreed}`, () => {
        const lines = attribute === 'no attribute' ? [] : [attribute];
        const media = ['m=audio 4000 RTP/AVP 8', ...(level === 'media' ? lines : [])];
        const remote = sdp({ media, connection, sessionLines: level === 'session' ? lines : [] });
        const result = answer(remote, session(), wish);
        assert.equal(result.direction, agreed);
        assert.match(result.sdp, new RegExp(`a=${agreed}\r\n`));
        assert.equal(result.settings.remoteRtp === null, connection !== undefined);
      });
    }
  }

  it('raises the version exactly when the content changes, and keeps the session id', () => {
    const on = session();
    const first = answer(sdp({}), on).sdp;
    assert.equal(version(answer(sdp({}), on).sdp), version(first));
    const held = answer(sdp({ sessionLines: ['a=sendonly'] }), on).sdp;
    assert.equal(version(held), version(first) + 1);
    assert.equal(version(on.makeOffer(['PCMA', 'PCMU'], 'sendrecv')), version(first) + 2);
  });

  it('makes a late offer and takes its answer, twice if it comes twice', () => {
    const on = session();
    const offer = on.makeOffer(['PCMU', 'PCMA'], 'sendrecv');
    assert.equal(audioLine(offer), 'm=audio 20000 RTP/AVP 0 8 101');
    const remote = sdp({ media: ['m=audio 4000 RTP/AVP 8 0 97', 'a=rtpmap:97 telephone-event/8000'] });
    for (let i = 0; i < 2; i++) {
      const taken = on.takeAnswer(remote);
      assert.ok(taken.ok);
      assert.equal(taken.value.settings.sendPayloadType, 8);
      assert.equal(taken.value.settings.sendEventPayloadType, 97);
      assert.equal(taken.value.settings.receiveEventPayloadType, 101);
    }
  });

  it('refuses answers that do not fit the offer', () => {
    const on = session();
    assert.ok(!on.takeAnswer(sdp({})).ok, 'no offer was made');
    on.makeOffer(['PCMA'], 'sendrecv');
    for (const media of [
      ['m=audio 0 RTP/AVP 8'],
      ['m=audio 4000 RTP/AVP 0'],
      ['m=audio 4000 RTP/AVP 8', 'm=video 6000 RTP/AVP 31'],
    ]) {
      const taken = on.takeAnswer(sdp({ media }));
      assert.equal(taken.ok ? 'taken' : taken.failure.status, 488, media.join());
    }
    assert.ok(on.takeAnswer(sdp({})).ok, 'the offer is still open');
  });

  const refusals: readonly [string, string, string][] = [
    ['empty', '', '400 sdp_malformed'],
    ['not SDP', 'hello\r\n', '400 sdp_malformed'],
    ['no media', sdp({ media: [] }), '400 sdp_malformed'],
    ['a broken media line', sdp({ media: ['m=audio'] }), '400 sdp_malformed'],
    ['a port out of range', sdp({ media: ['m=audio 70000 RTP/AVP 8'] }), '400 sdp_malformed'],
    ['only video', sdp({ media: ['m=video 6000 RTP/AVP 31'] }), '488 sdp_no_audio'],
    ['only SRTP', sdp({ media: ['m=audio 6000 RTP/SAVP 8'] }), '488 sdp_no_audio'],
    ['audio with port 0', sdp({ media: ['m=audio 0 RTP/AVP 8'] }), '488 sdp_no_audio'],
    ['no connection', sdp({ connection: null }), '488 sdp_address'],
    ['IPv6', sdp({ connection: 'c=IN IP6 2001:db8::1' }), '488 sdp_address'],
    ['multicast', sdp({ connection: 'c=IN IP4 224.2.1.1/127' }), '488 sdp_address'],
    ['a host name', sdp({ connection: 'c=IN IP4 media.example.net' }), '488 sdp_address'],
    ['no G.711', sdp({ media: ['m=audio 4000 RTP/AVP 18 3'] }), '488 sdp_no_common_codec'],
    [
      'a type remapped',
      sdp({ media: ['m=audio 4000 RTP/AVP 8', 'a=rtpmap:8 G729/8000'] }),
      '488 sdp_no_common_codec',
    ],
  ];
  for (const [what, remote, expected] of refusals) {
    it(`refuses ${what}: ${expected}`, () => {
      assert.equal(refusal(remote), expected);
    });
  }

  it('never throws, whatever comes', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'v=0',
        'c=IN IP4 1.2.3.4',
        'm=audio 4000 RTP/AVP 8 x',
        'm=audio',
        'a=rtpmap:8',
        'a=rtcp:',
        'a=',
      ),
      fc
        .tuple(fc.constantFrom('v', 'o', 'c', 'm', 'a'), fc.string())
        .map(([type, value]) => `${type}=${value}`),
    );
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), (lines, headed) => {
        const text = [
          ...(headed ? ['v=0', 'c=IN IP4 1.2.3.4', 'm=audio 4000 RTP/AVP 8'] : []),
          ...lines,
        ].join('\r\n');
        readRemoteDescription(text);
        const on = session();
        on.makeOffer(['PCMA'], 'sendrecv');
        on.takeAnswer(text);
        on.makeAnswer(text, ['PCMA', 'PCMU'], 'sendrecv');
      }),
      { numRuns: 500 },
    );
  });
});
