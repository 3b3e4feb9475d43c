import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SrtpPolicy } from '../../../src/call/project.js';
import { redactSip } from '../../../src/common/log.js';
import { readCryptos } from '../../../src/media/sdp/crypto-attribute.js';
import { SdpSession } from '../../../src/media/sdp/sdp-session.js';

const CM_80 = 'AES_CM_128_HMAC_SHA1_80';
const CM_32 = 'AES_CM_128_HMAC_SHA1_32';
const GCM = 'AEAD_AES_128_GCM';
const key = (fill: number): string => Buffer.alloc(30, fill).toString('base64');
const gcmKey = (fill: number): string => Buffer.alloc(28, fill).toString('base64');

const session = (): SdpSession => new SdpSession('192.0.2.1', 20_000, '77');

function sdp(protocol: string, ...cryptos: readonly string[]): string {
  const lines = ['v=0', 'o=- 1 1 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0'];
  const attributes = cryptos.map((crypto) => `a=crypto:${crypto}`);
  return [...lines, `m=audio 4000 ${protocol} 8`, ...attributes, ''].join('\r\n');
}

function answers(on: SdpSession, remote: string, policy: SrtpPolicy) {
  const made = on.makeAnswer(remote, ['PCMA'], 'sendrecv', policy);
  return made.ok ? made.value : `${made.failure.status} ${made.failure.code}`;
}

function agreed(on: SdpSession, remote: string, policy: SrtpPolicy) {
  const value = answers(on, remote, policy);
  if (typeof value === 'string') assert.fail(value);
  return value;
}

const cryptosOf = (text: string): string[] =>
  [...text.matchAll(/^a=crypto:(.*)$/gm)].map((match) => match[1]!.trim());
const profileOf = (text: string): string => /^m=audio \d+ (\S+)/m.exec(text)![1]!;
const keyIn = (crypto: string): string => /inline:(\S+)/.exec(crypto)![1]!;

describe('SDES: answering (RFC 4568 5.1.2)', () => {
  it('takes the first suite that it knows, echoes the tag, and has a key of its own', () => {
    const offer = sdp(
      'RTP/SAVP',
      `3 AES_256_CM_HMAC_SHA1_80 inline:${key(1)}`,
      `7 ${CM_32} inline:${key(2)}|2^20`,
      `9 ${CM_80} inline:${key(3)}`,
    );
    const { sdp: text, settings } = agreed(session(), offer, 'required');
    assert.equal(profileOf(text), 'RTP/SAVP');
    const [own, ...more] = cryptosOf(text);
    assert.deepEqual(more, []);
    assert.match(own!, new RegExp(`^7 ${CM_32} inline:\\S{40}$`));
    assert.deepEqual(settings.srtp, { suite: CM_32, sendKey: keyIn(own!), receiveKey: key(2) });
    assert.notEqual(keyIn(own!), key(2));
  });

  it('draws another key for every leg', () => {
    const offer = sdp('RTP/SAVP', `1 ${GCM} inline:${gcmKey(2)}`);
    const keys = Array.from(
      { length: 10 },
      () => agreed(session(), offer, 'optional').settings.srtp!.sendKey,
    );
    assert.equal(new Set(keys).size, 10);
    assert.ok(keys.every((one) => Buffer.from(one, 'base64').length === 28));
  });

  const good = `1 ${CM_80} inline:${key(1)}`;
  const cases: [string, SrtpPolicy, string, string][] = [
    ['SAVP, off', 'off', sdp('RTP/SAVP', good), '488 sdp_no_audio'],
    ['AVP with a key, off', 'off', sdp('RTP/AVP', good), 'RTP/AVP plain'],
    ['AVP, optional', 'optional', sdp('RTP/AVP'), 'RTP/AVP plain'],
    ['AVP with a key, optional', 'optional', sdp('RTP/AVP', good), 'RTP/AVP srtp'],
    [
      'AVP with a key that cannot be used, optional',
      'optional',
      sdp('RTP/AVP', '1 F8_128_HMAC_SHA1_80 inline:x'),
      'RTP/AVP plain',
    ],
    ['SAVP, optional', 'optional', sdp('RTP/SAVP', good), 'RTP/SAVP srtp'],
    ['SAVPF, optional', 'optional', sdp('RTP/SAVPF', good), 'RTP/SAVPF srtp'],
    ['SAVP without a key, optional', 'optional', sdp('RTP/SAVP'), '488 sdp_no_srtp'],
    ['AVP, required', 'required', sdp('RTP/AVP'), '488 sdp_no_srtp'],
    ['AVP with a key, required', 'required', sdp('RTP/AVP', good), 'RTP/AVP srtp'],
    ['SAVP, required', 'required', sdp('RTP/SAVP', good), 'RTP/SAVP srtp'],
    ['DTLS, required', 'required', sdp('UDP/TLS/RTP/SAVP', good), '488 sdp_no_srtp'],
  ];
  for (const [title, policy, offer, wanted] of cases) {
    it(`${title}: ${wanted}`, () => {
      const value = answers(session(), offer, policy);
      const found =
        typeof value === 'string'
          ? value
          : `${profileOf(value.sdp)} ${value.settings.srtp ? 'srtp' : 'plain'}`;
      assert.equal(found, wanted);
      if (typeof value !== 'string') assert.equal(cryptosOf(value.sdp).length, value.settings.srtp ? 1 : 0);
    });
  }

  it('takes the encrypted one of two audio lines, whatever their order', () => {
    const two = `${sdp('RTP/AVP')}m=audio 5000 RTP/SAVP 8\r\na=crypto:${good}\r\n`;
    const { sdp: text } = agreed(session(), two, 'optional');
    assert.deepEqual(
      text.match(/^m=audio.*$/gm)!.map((line) => line.trim()),
      ['m=audio 0 RTP/AVP 8', 'm=audio 20000 RTP/SAVP 8'],
    );
  });

  it('keeps its key when the peer offers again, with the same key or a new one, in whatever order', () => {
    const on = session();
    const first = agreed(on, sdp('RTP/SAVP', `1 ${CM_80} inline:${key(1)}`), 'required');
    const again = agreed(
      on,
      sdp('RTP/SAVP', `1 ${GCM} inline:${gcmKey(5)}`, `2 ${CM_80} inline:${key(2)}`),
      'required',
    );
    assert.deepEqual(again.settings.srtp, { ...first.settings.srtp, receiveKey: key(2) });
    assert.match(cryptosOf(again.sdp)[0]!, /^2 /);
  });

  it('never comes back to a key that it has left', () => {
    const on = session();
    const keys = [
      sdp('RTP/AVP', good),
      sdp('RTP/AVP'),
      sdp('RTP/AVP', good),
      sdp('RTP/AVP', `1 ${GCM} inline:${gcmKey(5)}`),
      sdp('RTP/AVP', good),
    ]
      .map((offer) => agreed(on, offer, 'optional').settings.srtp?.sendKey)
      .filter((one) => one !== undefined);
    assert.equal(new Set(keys).size, 4);
  });

  it('keeps what is in force where a new offer is refused', () => {
    const on = session();
    const { settings } = agreed(on, sdp('RTP/SAVP', good), 'required');
    assert.equal(answers(on, sdp('RTP/AVP'), 'required'), '488 sdp_no_srtp');
    const [own] = cryptosOf(on.makeOffer(['PCMA'], 'sendrecv', 'required'));
    assert.equal(keyIn(own!), settings.srtp!.sendKey);
  });
});

describe('SDES: offering (RFC 4568 5.1.1, 5.1.3)', () => {
  const offered = (policy: SrtpPolicy): { on: SdpSession; text: string; cryptos: string[] } => {
    const on = session();
    const text = on.makeOffer(['PCMA'], 'sendrecv', policy);
    return { on, text, cryptos: cryptosOf(text) };
  };
  const taken = (on: SdpSession, remote: string): string => {
    const result = on.takeAnswer(remote);
    if (!result.ok) return `${result.failure.status} ${result.failure.code}`;
    return result.value.settings.srtp?.suite ?? 'plain';
  };

  it('names every suite with a tag and a key of its own: RTP/SAVP where required, RTP/AVP where optional', () => {
    assert.equal(profileOf(offered('required').text), 'RTP/SAVP');
    const { text, cryptos } = offered('optional');
    assert.equal(profileOf(text), 'RTP/AVP');
    assert.deepEqual(
      cryptos.map((one) => one.split(' ').slice(0, 2).join(' ')),
      [`1 ${CM_80}`, `2 ${GCM}`, `3 ${CM_32}`],
    );
    assert.equal(new Set(cryptos.map(keyIn)).size, 3);
    assert.deepEqual(offered('off').cryptos, []);
  });

  it('goes by the tag and suite of the answer', () => {
    const { on, cryptos } = offered('required');
    const result = on.takeAnswer(sdp('RTP/SAVP', `2 ${GCM} inline:${gcmKey(4)}`));
    assert.ok(result.ok);
    assert.deepEqual(result.value.settings.srtp, {
      suite: GCM,
      sendKey: keyIn(cryptos[1]!),
      receiveKey: gcmKey(4),
    });
  });

  const cases: [string, SrtpPolicy, string, string][] = [
    [
      'a tag that was not offered',
      'optional',
      sdp('RTP/AVP', `9 ${CM_80} inline:${key(1)}`),
      '488 sdp_answer',
    ],
    ['the suite of another tag', 'optional', sdp('RTP/AVP', `1 ${CM_32} inline:${key(1)}`), '488 sdp_answer'],
    [
      'a master key identifier',
      'optional',
      sdp('RTP/AVP', `1 ${CM_80} inline:${key(1)}|2^20|1:4`),
      '488 sdp_answer',
    ],
    ['no key, optional', 'optional', sdp('RTP/AVP'), 'plain'],
    ['no key, required', 'required', sdp('RTP/AVP'), '488 sdp_no_srtp'],
    ['a key in RTP/AVP, required', 'required', sdp('RTP/AVP', `1 ${CM_80} inline:${key(1)}`), CM_80],
    [
      'SAVP to what was offered in the clear',
      'off',
      sdp('RTP/SAVP', `1 ${CM_80} inline:${key(1)}`),
      '488 sdp_answer',
    ],
  ];
  for (const [title, policy, answer, wanted] of cases) {
    it(`answered with ${title}: ${wanted}`, () => {
      assert.equal(taken(offered(policy).on, answer), wanted);
    });
  }

  it('offers again what is in force, with the same key, tag and profile, and no more', () => {
    const { on, cryptos } = offered('required');
    assert.equal(taken(on, sdp('RTP/SAVP', `3 ${CM_32} inline:${key(4)}`)), CM_32);
    const again = on.makeOffer(['PCMA'], 'sendonly', 'required');
    assert.deepEqual(cryptosOf(again), [cryptos[2]]);
    assert.equal(profileOf(again), 'RTP/SAVP');
    assert.equal(taken(on, sdp('RTP/SAVP', `3 ${CM_32} inline:${key(5)}`)), CM_32);
  });

  it('goes on in the clear where the peer took no key', () => {
    const { on } = offered('optional');
    assert.equal(taken(on, sdp('RTP/AVP')), 'plain');
    assert.deepEqual(cryptosOf(on.makeOffer(['PCMA'], 'sendrecv', 'optional')), []);
  });

  it('takes a second answer of another suite (forking): each with the key that was offered for it', () => {
    const { on, cryptos } = offered('required');
    assert.equal(taken(on, sdp('RTP/SAVP', `3 ${CM_32} inline:${key(4)}`)), CM_32);
    const second = on.takeAnswer(sdp('RTP/SAVP', `1 ${CM_80} inline:${key(6)}`));
    assert.ok(second.ok);
    assert.equal(second.value.settings.srtp?.sendKey, keyIn(cryptos[0]!));
  });
});

describe('SDES: the crypto attribute (RFC 4568 9)', () => {
  const read = (suite: string, config: string, sessionConfig?: string): boolean =>
    readCryptos([{ id: 1, suite, config, ...(sessionConfig !== undefined && { sessionConfig }) }]).length ===
    1;

  it('takes one key with a lifetime, and refuses what it cannot keep', () => {
    assert.ok(read(CM_80, `inline:${key(1)}`));
    assert.ok(read(CM_80, `inline:${key(1)}|2^48`));
    assert.ok(read(CM_80, `inline:${key(1)}|1048576`));
    assert.ok(!read(CM_80, `inline:${key(1)}|2^49`));
    assert.ok(!read(CM_80, `inline:${key(1)}|0`));
    assert.ok(!read(CM_80, `inline:${key(1)}|2^20|1:4`));
    assert.ok(!read(CM_80, `inline:${key(1)}|1:4`));
    assert.ok(!read(CM_80, `inline:${key(1)}|2^20|1:4;inline:${key(2)}|2^20|2:4`));
    assert.ok(!read(CM_80, `inline:${gcmKey(1)}`));
    assert.ok(!read('toString', `inline:${key(1)}`));
  });

  it('takes a window hint and what may be left out, and refuses other session parameters', () => {
    assert.ok(read(CM_80, `inline:${key(1)}`, 'WSH=128 -extra=1'));
    for (const parameter of [
      'UNENCRYPTED_SRTP',
      'UNENCRYPTED_SRTCP',
      'UNAUTHENTICATED_SRTP',
      'KDR=4',
      'NEW=1',
    ]) {
      assert.ok(!read(CM_80, `inline:${key(1)}`, parameter), parameter);
    }
  });

  it('reads sixteen at most, each tag once, and never throws', () => {
    const many = Array.from({ length: 40 }, (_, id) => ({ id, suite: CM_80, config: `inline:${key(1)}` }));
    assert.equal(readCryptos(many).length, 16);
    assert.equal(readCryptos([many[0]!, many[0]!]).length, 1);
    fc.assert(
      fc.property(fc.string(), fc.string(), (config, more) => {
        answers(session(), sdp('RTP/SAVP', `1 ${CM_80} ${config}`, more), 'optional');
      }),
    );
  });

  it('never shows a key', () => {
    const text = `INVITE sip:a@b SIP/2.0\r\n\r\n${sdp('RTP/SAVP', `1 ${CM_80} inline:${key(1)}|2^20|1:4;inline:${key(2)} WSH=64`)}a=acap:1 crypto:1 ${CM_80} INLINE:${key(3)}\r\nk=clear:secret\r\na=key-mgmt:mikey AQAFgM\r\n`;
    const shown = redactSip(text);
    for (const secret of [key(1), key(2), key(3), 'secret', 'AQAFgM'])
      assert.ok(!shown.includes(secret), shown);
    assert.match(shown, new RegExp(`a=crypto:1 ${CM_80} inline:\\[redacted\\]`));
  });
});
