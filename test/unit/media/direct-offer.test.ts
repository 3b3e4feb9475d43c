import assert from 'node:assert/strict';
import type { CodecName, DtmfKind, SrtpPolicy } from '../../../src/call/project.js';
import { SdpSession } from '../../../src/media/sdp/sdp-session.js';

interface Party {
  readonly address?: string;
  readonly port?: number;
  readonly formats?: string;
  readonly lines?: readonly string[];
  readonly version?: number;
  readonly profile?: string;
}

/** What a phone writes. */
function description(party: Party = {}): string {
  const { address = '192.0.2.10', port = 4000, formats = '8 0 101', version = 1 } = party;
  const { lines = ['a=rtpmap:101 telephone-event/8000', 'a=sendrecv'], profile = 'RTP/AVP' } = party;
  const type = address.includes(':') ? 'IP6' : 'IP4';
  return [
    'v=0',
    `o=- 7 ${version} IN ${type} ${address}`,
    's=-',
    `c=IN ${type} ${address}`,
    't=0 0',
    `m=audio ${port} ${profile} ${formats}`,
    ...lines,
    '',
  ].join('\r\n');
}

const EVENT96 = ['a=rtpmap:96 telephone-event/8000', 'a=fmtp:96 0-16', 'a=ptime:30', 'a=sendrecv'];
const AGENT = description({ address: '192.0.2.20', port: 5000, formats: '8 96', lines: EVENT96 });
const CODECS: readonly CodecName[] = ['PCMA', 'PCMU'];

interface Side {
  readonly codecs?: readonly CodecName[];
  readonly dtmf?: DtmfKind;
  readonly srtp?: SrtpPolicy;
}

/** A leg whose peer has called us with this. */
function called(remote: string, { codecs = CODECS, srtp = 'off' }: Side = {}): SdpSession {
  const session = new SdpSession(remote.includes('IP6') ? '2001:db8::1' : '198.51.100.1', 20_000, '11');
  assert.ok(session.makeAnswer(remote, codecs, 'sendrecv', srtp).ok);
  return session;
}

/** A leg whose peer has answered us with this. */
function dialled(remote: string, { codecs = CODECS, srtp = 'off' }: Side = {}): SdpSession {
  const session = new SdpSession(remote.includes('IP6') ? '2001:db8::1' : '198.51.100.1', 20_002, '12');
  session.makeOffer(codecs, 'sendrecv', srtp);
  assert.ok(session.takeAnswer(remote).ok);
  return session;
}

function direct(of: SdpSession, to: SdpSession, own: Side = {}, other: Side = {}): string | null {
  const made = of.makeDirectOffer(
    { codecs: own.codecs ?? CODECS, dtmf: own.dtmf ?? 'auto' },
    to.side(other.codecs ?? CODECS, other.dtmf ?? 'auto'),
  );
  return made.ok ? made.sdp : `refused: ${made.why}`;
}

const lines = (sdp: string | null): string[] => (sdp ?? '').split('\r\n');

describe('SDP that names another party in our place (RFC 3264 8)', () => {
  it('has our o= with the next version, and address, port and payload types of the other party', () => {
    const caller = called(description());
    const agent = dialled(AGENT);
    assert.deepEqual(lines(direct(caller, agent)), [
      'v=0',
      'o=relevo 11 2 IN IP4 198.51.100.1',
      's=-',
      'c=IN IP4 192.0.2.20',
      't=0 0',
      'm=audio 5000 RTP/AVP 8 96',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:96 telephone-event/8000',
      'a=fmtp:96 0-16',
      'a=ptime:30',
      'a=sendrecv',
      '',
    ]);
  });

  it('each is told of the other once; then there is nothing new', () => {
    const caller = called(description());
    const agent = dialled(AGENT);
    const first = direct(agent, caller);
    assert.match(first ?? '', /^m=audio 4000 RTP\/AVP 8 101\r$/m);
    assert.ok(agent.takeAnswer(AGENT).ok);
    assert.notEqual(direct(caller, agent), null);
    assert.ok(caller.takeAnswer(description({ version: 2, formats: '8 101' })).ok);
    assert.equal(direct(agent, caller), null);
    assert.equal(direct(caller, agent), null);
  });

  it('an answer from a new port is told to the other', () => {
    const caller = called(description());
    const agent = dialled(AGENT);
    direct(agent, caller);
    assert.ok(agent.takeAnswer(AGENT).ok);
    direct(caller, agent);
    assert.ok(caller.takeAnswer(description({ version: 2, port: 4444 })).ok);
    assert.match(direct(agent, caller) ?? '', /^m=audio 4444 /m);
    assert.match(direct(agent, caller) ?? '', /^o=relevo 12 3 /m);
  });

  it('an answer with its own numbers has those told to the other, each for what it gets', () => {
    const caller = called(description());
    const agent = dialled(AGENT);
    direct(agent, caller);
    // Offered 101, the person goes on with 96 for itself.
    assert.ok(agent.takeAnswer(AGENT).ok);
    assert.match(direct(caller, agent) ?? '', /^m=audio 5000 RTP\/AVP 8 96\r$/m);
  });

  it('ours again has our port, and a version that rises', () => {
    const caller = called(description());
    const agent = dialled(AGENT);
    direct(caller, agent);
    assert.ok(caller.takeAnswer(description({ version: 2 })).ok);
    const back = caller.makeOffer(CODECS, 'sendrecv');
    assert.match(back, /^o=relevo 11 3 IN IP4 198\.51\.100\.1\r$/m);
    assert.match(back, /^c=IN IP4 198\.51\.100\.1\r$/m);
    assert.match(back, /^m=audio 20000 RTP\/AVP 8 0 101\r$/m);
    assert.ok(caller.takeAnswer(description({ version: 3 })).ok);
    assert.match(direct(caller, agent) ?? '', /^o=relevo 11 4 .*\r\ns=-\r\nc=IN IP4 192\.0\.2\.20/m);
  });

  it('a refused offer changes nothing: the next one is made whole again', () => {
    const caller = called(description());
    const agent = dialled(AGENT);
    const refused = direct(agent, caller);
    assert.equal(direct(agent, caller), refused);
  });

  it('RTCP: mux as the other party has it, its port where it is not the next one, none where it wants none', () => {
    const agent = dialled(AGENT);
    const told = (...more: string[]): string | null =>
      direct(agent, called(description({ lines: ['a=rtpmap:101 telephone-event/8000', ...more] })));
    assert.match(told('a=rtcp-mux') ?? '', /^a=rtcp-mux\r$/m);
    assert.doesNotMatch(told() ?? '', /a=rtcp/);
    assert.match(told('a=rtcp:4099') ?? '', /^a=rtcp:4099 IN IP4 192\.0\.2\.10\r$/m);
    assert.match(told('a=rtcp:4099 IN IP4 192.0.2.11') ?? '', /^a=rtcp:4099 IN IP4 192\.0\.2\.11\r$/m);
    const none = direct(
      agent,
      called(description({ lines: ['b=RS:0', 'b=RR:0', 'a=rtpmap:101 telephone-event/8000'] })),
    );
    assert.match(none ?? '', /^m=audio .*\r\nb=RS:0\r\nb=RR:0\r$/m);
  });

  it('codecs: those that both described and both trunks allow, in the order of who gets them', () => {
    const wide = ['a=rtpmap:9 G722/8000', 'a=rtpmap:101 telephone-event/8000'];
    const caller = called(description({ formats: '0 9 8 101', lines: wide }), {
      codecs: ['G722', 'PCMA', 'PCMU'],
    });
    const agent = dialled(description({ address: '192.0.2.20', formats: '9 8 101', lines: wide }), {
      codecs: ['G722', 'PCMA'],
    });
    const all: Side = { codecs: ['G722', 'PCMA', 'PCMU'] };
    assert.match(direct(agent, caller, all, all) ?? '', /^m=audio 4000 RTP\/AVP 9 8 101\r$/m);
    assert.match(direct(agent, caller, {}, all) ?? '', /^m=audio 4000 RTP\/AVP 8 101\r$/m);
  });

  it('a payload type that has meant something else to this peer is not given another meaning (8.3.2)', () => {
    const opus = ['a=rtpmap:101 opus/48000/2', 'a=rtpmap:96 telephone-event/8000'];
    const codecs: readonly CodecName[] = ['opus', 'PCMA'];
    const caller = called(description({ formats: '101 8 96', lines: opus }), { codecs });
    const events = ['a=rtpmap:111 opus/48000/2', 'a=rtpmap:101 telephone-event/8000'];
    const agent = dialled(description({ address: '192.0.2.20', formats: '111 8 101', lines: events }), {
      codecs,
    });
    assert.equal(direct(caller, agent, { codecs }, { codecs }), 'refused: payload_types');
  });

  it('an own offer after it keeps clear of the types that the other party had', () => {
    const caller = called(description());
    const events = ['a=rtpmap:111 telephone-event/8000'];
    direct(caller, dialled(description({ address: '192.0.2.20', formats: '8 111', lines: events })));
    assert.match(caller.makeOffer(['opus', 'PCMA'], 'sendrecv'), /^a=rtpmap:96 opus\/48000\/2\r$/m);
  });

  it('no offer where the two do not fit', () => {
    const agent = dialled(AGENT);
    const from = (party: Party, own: Side = {}): string | null =>
      direct(called(description(party), own), agent);
    const held = called(description({ lines: ['a=rtpmap:101 telephone-event/8000', 'a=sendonly'] }));
    assert.equal(direct(held, agent), 'refused: hold');
    assert.equal(from({ address: '2001:db8::9' }), 'refused: ip_version');
    assert.equal(from({ formats: '0 101' }), 'refused: codecs');
    assert.equal(from({ formats: '8', lines: [] }), 'refused: dtmf');
    const secure: Party = {
      profile: 'RTP/SAVP',
      lines: [
        'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5',
        'a=rtpmap:101 telephone-event/8000',
      ],
    };
    assert.equal(from(secure, { srtp: 'required' }), 'refused: srtp');
  });

  it('digits: the same way on both sides, and no telephone-event where they go by INFO or as tones', () => {
    const [caller, agent] = [called(description()), dialled(AGENT)];
    assert.match(direct(caller, agent, { dtmf: 'rfc4733' }) ?? '', /telephone-event/);
    assert.equal(direct(caller, agent, { dtmf: 'info' }), 'refused: dtmf');
    assert.equal(direct(caller, agent, { dtmf: 'inband' }, { dtmf: 'info' }), 'refused: dtmf');
    const info = direct(caller, agent, { dtmf: 'info' }, { dtmf: 'info' });
    assert.match(info ?? '', /^m=audio 5000 RTP\/AVP 8\r$/m);
    const none = called(description({ formats: '8', lines: [] }));
    assert.match(direct(none, agent, {}, { dtmf: 'info' }) ?? '', /^m=audio 5000 RTP\/AVP 8\r$/m);
    assert.equal(direct(none, agent, { dtmf: 'rfc4733' }), 'refused: dtmf');
  });

  it('repeats of a peer of what can stand in no line of ours are left out', () => {
    const long = `a=fmtp:96 ${'x'.repeat(300)}`;
    const agent = dialled(
      description({
        address: '192.0.2.20',
        formats: '8 96',
        lines: ['a=rtpmap:96 telephone-event/8000', long],
      }),
    );
    assert.match(direct(called(description()), agent) ?? '', /^a=fmtp:96 0-15\r$/m);
  });
});

describe('an offer of a party that was told of another one', () => {
  function released(): SdpSession {
    const caller = called(description());
    direct(caller, dialled(AGENT));
    assert.ok(caller.takeAnswer(description({ version: 2 })).ok);
    return caller;
  }
  function answer(caller: SdpSession, party: Party): { readonly sdp: string; readonly direct: boolean } {
    const made = caller.makeAnswer(description(party), CODECS, 'sendrecv');
    assert.ok(made.ok);
    return made.value;
  }

  it('that says nothing new is answered with the other party, unchanged (RFC 4028 7.4)', () => {
    const { sdp, direct: stays } = answer(released(), { version: 2 });
    assert.equal(stays, true);
    assert.match(sdp, /^o=relevo 11 2 /m);
    assert.match(sdp, /^c=IN IP4 192\.0\.2\.20\r$/m);
    assert.match(sdp, /^m=audio 5000 RTP\/AVP 8 96\r$/m);
  });

  it('that lists formats otherwise, under the same numbers, is one of those', () => {
    assert.equal(answer(released(), { version: 3, formats: '0 8 101' }).direct, true);
  });

  for (const [what, party] of [
    ['a hold', { lines: ['a=rtpmap:101 telephone-event/8000', 'a=sendonly'] }],
    ['a hold by address', { address: '0.0.0.0' }],
    ['another port', { port: 4444 }],
    ['another address', { address: '192.0.2.99' }],
    ['rtcp-mux', { lines: ['a=rtpmap:101 telephone-event/8000', 'a=rtcp-mux'] }],
    ['without the codec that they speak', { formats: '0 101' }],
    ['other numbers', { formats: '8 97', lines: ['a=rtpmap:97 telephone-event/8000'] }],
  ] as const) {
    it(`that has ${what} is answered with our own media`, () => {
      const { sdp, direct: stays } = answer(released(), { version: 3, ...party });
      assert.equal(stays, false);
      assert.match(sdp, /^o=relevo 11 3 /m);
      assert.match(sdp, /^c=IN IP4 198\.51\.100\.1\r$/m);
      assert.match(sdp, /^m=audio 20000 /m);
    });
  }
});
