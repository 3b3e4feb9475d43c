import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MediaDirection } from '../../../src/call/media-port.js';
import type { CodecName, SrtpPolicy } from '../../../src/call/project.js';
import { SdpSession } from '../../../src/media/sdp/sdp-session.js';
import { OFFERS } from '../../fixtures/sdp/offers.js';
import { faultsOfAnswer, faultsOfOurs, isDynamic, meaningsOf, originOf, read } from './answer-rules.js';

const RUNS = 1500;
const SEQUENCES = 400;
const DIRECTIONS = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const;
const CODECS: readonly (readonly CodecName[])[] = [
  ['PCMA', 'PCMU'],
  ['PCMU'],
  ['opus', 'G722', 'PCMA', 'CN'],
  ['G722', 'PCMU', 'PCMA'],
];
const NAMES = [
  'PCMU/8000',
  'PCMA/8000',
  'G722/8000',
  'opus/48000/2',
  'telephone-event/8000',
  'telephone-event/48000',
  'CN/8000',
  'G729/8000',
  'speex/16000',
];

const wire = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n`;
const codecs = fc.constantFrom(...CODECS);
const direction = fc.constantFrom<MediaDirection>(...DIRECTIONS);
const policy = fc.constantFrom<SrtpPolicy>('off', 'optional', 'required');
const real = fc.constantFrom(...Object.values(OFFERS));

/** A line of a description, right or nearly so. */
const oneLine = fc.oneof(
  fc.constantFrom(...Object.values(OFFERS).flat()),
  fc.constantFrom(...DIRECTIONS).map((name) => `a=${name}`),
  fc.tuple(fc.nat(140), fc.constantFrom(...NAMES)).map(([type, name]) => `a=rtpmap:${type} ${name}`),
  fc.constantFrom(
    'c=IN IP4 0.0.0.0',
    'c=IN IP6 ::',
    'c=IN IP4 239.1.1.1/127',
    'c=IN IP6 fe80::1%lo',
    'c=',
    'c=IN IP4',
  ),
  fc.constantFrom(
    'm=',
    'm=audio',
    'm=audio 1 RTP/AVP',
    'm=audio 99999 RTP/AVP 8',
    'm=audio 4000 RTP/AVP 8 8 0 0',
  ),
  fc.constantFrom(
    't=1 2',
    't=',
    't=x y',
    'a=rtcp-mux',
    'a=rtcp:0',
    'a=maxptime:-3',
    'a=crypto:1',
    'b=RS:x',
    'k=clear:x',
  ),
  fc
    .tuple(
      fc.constantFrom('v', 'o', 's', 'c', 't', 'm', 'a', 'b', 'i', 'k', 'z'),
      fc.string({ unit: 'binary' }),
    )
    .map(([name, value]) => `${name}=${value}`),
);

/** One change of a list of lines. */
type Mutation = (lines: string[]) => string[];
const place = fc.double({ min: 0, max: 0.999, noNaN: true });
const at = (share: number, lines: readonly string[]): number => Math.floor(share * lines.length);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  place.map(
    (share): Mutation =>
      (lines) =>
        lines.toSpliced(at(share, lines), 1),
  ),
  fc.tuple(place, oneLine).map(
    ([share, line]): Mutation =>
      (lines) =>
        lines.toSpliced(at(share, lines), 0, line),
  ),
  fc.tuple(place, oneLine).map(
    ([share, line]): Mutation =>
      (lines) =>
        lines.toSpliced(at(share, lines), 1, line),
  ),
  fc.tuple(place, place).map(([from, to]): Mutation => (lines) => {
    const [moved] = lines.slice(at(from, lines));
    return lines.toSpliced(at(from, lines), 1).toSpliced(at(to, lines), 0, moved ?? '');
  }),
  fc.tuple(place, fc.constantFrom('0', '1', '9', '65535', '65536', '-1', '99999999999', '')).map(
    ([share, number]): Mutation =>
      (lines) =>
        lines.with(at(share, lines), (lines[at(share, lines)] ?? '').replace(/\d+/, number)),
  ),
  fc.tuple(place, place).map(([share, cut]): Mutation => (lines) => {
    const line = lines[at(share, lines)] ?? '';
    return lines.with(at(share, lines), line.slice(0, Math.floor(cut * line.length)));
  }),
);
const mutated = fc
  .tuple(real, fc.array(mutation, { maxLength: 4 }))
  .map(([lines, changes]) =>
    wire(changes.reduce((now, change) => (now.length > 0 ? change(now) : now), [...lines])),
  );

/** A media section by the grammar. */
const section = fc
  .record({
    type: fc.constantFrom('audio', 'audio', 'audio', 'video', 'image', 'application'),
    port: fc.constantFrom(0, 9, 4000, 40_000, 65_534),
    protocol: fc.constantFrom('RTP/AVP', 'RTP/AVP', 'RTP/AVPF', 'RTP/SAVP', 'UDP/TLS/RTP/SAVPF'),
    types: fc.uniqueArray(fc.constantFrom(0, 8, 9, 13, 18, 96, 97, 101, 110, 111, 127), {
      minLength: 1,
      maxLength: 7,
    }),
    names: fc.array(fc.constantFrom(...NAMES), { minLength: 7, maxLength: 7 }),
    direction: fc.option(fc.constantFrom(...DIRECTIONS)),
    more: fc.subarray([
      'a=rtcp-mux',
      'a=ptime:30',
      'a=maxptime:10',
      'a=mid:audio',
      'b=RS:0',
      'a=rtcp:5001 IN IP4 198.51.100.8',
      'a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj',
      'c=IN IP4 198.51.100.9',
    ]),
  })
  .map(({ type, port, protocol, types, names, direction: way, more }) => [
    `m=${type} ${port} ${protocol} ${types.join(' ')}`,
    ...types.filter((one) => one >= 96).map((one, index) => `a=rtpmap:${one} ${names[index]!}`),
    ...more,
    ...(way === null ? [] : [`a=${way}`]),
  ]);
const byGrammar = fc
  .record({
    timing: fc.constantFrom('0 0', '3976000000 3976086400', '0 1'),
    connection: fc.constantFrom('IN IP4 198.51.100.7', 'IN IP4 0.0.0.0', 'IN IP6 2001:db8::9'),
    direction: fc.option(fc.constantFrom(...DIRECTIONS)),
    sections: fc.array(section, { minLength: 1, maxLength: 4 }),
  })
  .map(({ timing, connection, direction: way, sections }) =>
    wire([
      'v=0',
      'o=peer 1 1 IN IP4 198.51.100.7',
      's=-',
      `c=${connection}`,
      `t=${timing}`,
      ...(way === null ? [] : [`a=${way}`]),
      ...sections.flat(),
    ]),
  );

const newSession = (): SdpSession => new SdpSession('192.0.2.1', 20_000, '77');

describe('SDP of anybody (RFC 3264, RFC 8866), by properties', () => {
  it('answers the real offers within what they offered, or refuses them with a status', () => {
    let answered = 0;
    for (const [name, lines] of Object.entries(OFFERS)) {
      for (const list of CODECS) {
        const result = newSession().makeAnswer(wire(lines), list, 'sendrecv', 'optional');
        if (!result.ok) assert.ok([400, 488].includes(result.failure.status), name);
        else assert.deepEqual(faultsOfAnswer(wire(lines), result.value.sdp), [], `${name}, ${list.join()}`);
        if (result.ok) answered++;
      }
    }
    assert.ok(answered > 15, `${answered} were answered`);
  });

  for (const [what, offers] of [
    ['mutated real offers', mutated],
    ['offers by the grammar', byGrammar],
  ] as const) {
    it(`answers ${what} rightly or refuses them; nothing throws`, () => {
      let answered = 0;
      fc.assert(
        fc.property(offers, codecs, direction, policy, (offer, list, wish, srtp) => {
          const session = newSession();
          const result = session.makeAnswer(offer, list, wish, srtp);
          if (!result.ok) {
            assert.ok([400, 488].includes(result.failure.status));
            return;
          }
          answered++;
          assert.deepEqual(faultsOfAnswer(offer, result.value.sdp), []);
          assert.equal(originOf(result.value.sdp).version, 1);
        }),
        { numRuns: RUNS },
      );
      assert.ok(answered > RUNS / 10, `${answered} of ${RUNS} were answered`);
    });
  }

  it('takes or refuses any answer to its offer; nothing throws', () => {
    fc.assert(
      fc.property(fc.oneof(mutated, byGrammar, fc.string()), codecs, policy, (answer, list, srtp) => {
        const session = newSession();
        session.makeOffer(list, 'sendrecv', srtp);
        const result = session.takeAnswer(answer);
        if (!result.ok) assert.ok([400, 488].includes(result.failure.status));
        else
          assert.ok(
            result.value.settings.sendPayloadType >= 0 && result.value.settings.sendPayloadType <= 127,
          );
      }),
      { numRuns: RUNS },
    );
  });

  /** What happens on a session. */
  type Step =
    | { readonly kind: 'theirs'; readonly offer: string; readonly wish: MediaDirection }
    | {
        readonly kind: 'ours';
        readonly codecs: readonly CodecName[];
        readonly wish: MediaDirection;
        readonly answer: 'none' | 'mirrored' | 'noise';
      }
    | { readonly kind: 'moved'; readonly port: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constant('theirs' as const), offer: fc.oneof(byGrammar, mutated), wish: direction }),
    fc.record({
      kind: fc.constant('ours' as const),
      codecs,
      wish: direction,
      answer: fc.constantFrom('none' as const, 'mirrored' as const, 'mirrored' as const, 'noise' as const),
    }),
    fc.record({ kind: fc.constant('moved' as const), port: fc.constantFrom(20_000, 20_002) }),
  );

  it('keeps the rules of a session over offers, answers and holds from both sides (RFC 3264 8)', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 10 }), codecs, policy, (steps, list, srtp) => {
        const session = newSession();
        const watch = new SessionWatch();
        for (const one of steps) {
          if (one.kind === 'moved') session.move('192.0.2.1', one.port);
          else if (one.kind === 'theirs') {
            const result = session.makeAnswer(one.offer, list, one.wish, srtp);
            if (!result.ok) continue;
            assert.deepEqual(faultsOfAnswer(one.offer, result.value.sdp), []);
            watch.said(result.value.sdp, one.offer);
          } else {
            const offer = session.makeOffer(one.codecs, one.wish, srtp);
            assert.deepEqual(faultsOfOurs(offer), []);
            watch.said(offer, null);
            if (one.answer === 'none') continue;
            const answer = one.answer === 'noise' ? 'v=0\r\nm=audio 1 RTP/AVP 3\r\n' : mirror(offer);
            const taken = session.takeAnswer(answer);
            assert.equal(taken.ok, one.answer === 'mirrored', JSON.stringify(taken));
          }
        }
      }),
      { numRuns: SEQUENCES },
    );
  });
});

/** The answer of a peer that takes everything. */
function mirror(offer: string): string {
  const opposite: Record<string, string> = { 'a=sendonly': 'a=recvonly', 'a=recvonly': 'a=sendonly' };
  const lines = offer.split('\r\n');
  const key = lines.find((line) => line.startsWith('a=crypto:'));
  return lines
    .filter((line) => line === key || !line.startsWith('a=crypto:'))
    .map((line) => opposite[line] ?? line)
    .join('\r\n')
    .replace(/^o=.*$/m, 'o=mirror 1 1 IN IP4 198.51.100.7');
}

/** Everything that both sides said on a session, as far as the rules of RFC 3264 8 look at it. */
class SessionWatch {
  #last: string | null = null;
  /** Types of the m= lines that both agreed to have. */
  #lines: readonly string[] = [];
  /** By m= line: what its payload types have stood for (8.3.2). */
  readonly #meanings = new Map<number, Map<string, string>>();

  /** `offer`: theirs, where ours is the answer to it. */
  said(sdp: string, offer: string | null): void {
    const { id, version } = originOf(sdp);
    assert.equal(id, '77');
    const content = (text: string): string => text.replace(/^o=.*$/m, '');
    if (this.#last !== null) {
      const changed = content(this.#last) !== content(sdp);
      assert.equal(version, originOf(this.#last).version + Number(changed), 'the version of o=');
    }
    this.#last = sdp;
    const { sections } = read(sdp);
    const types = sections.map(({ type }) => type);
    if (offer !== null) this.#lines = types;
    assert.deepEqual(
      types.slice(0, this.#lines.length),
      this.#lines,
      'm= lines are never fewer, and keep their place',
    );
    const stream = sections.findIndex(({ port }) => port !== 0);
    const meanings = this.#meanings.get(stream) ?? new Map<string, string>();
    this.#meanings.set(stream, meanings);
    if (offer !== null)
      for (const [type, meaning] of meaningsOf(read(offer).sections[stream]!)) meanings.set(type, meaning);
    for (const [type, meaning] of meaningsOf(sections[stream]!)) {
      const before = meanings.get(type);
      if (isDynamic(type) && before !== undefined)
        assert.equal(meaning, before, `payload type ${type} keeps its meaning`);
      meanings.set(type, meaning);
    }
  }
}
