import assert from 'node:assert/strict';
import type { SrtpPolicy } from '../../../src/call/project.js';
import { readDtls } from '../../../src/media/sdp/dtls-attributes.js';
import { SdpSession } from '../../../src/media/sdp/sdp-session.js';

const digest = (byte: string, bytes = 32): string => Array<string>(bytes).fill(byte).join(':');
const OURS = `sha-256 ${digest('0A')}`;
const THEIRS = `sha-256 ${digest('BC')}`;
const DTLS = 'UDP/TLS/RTP/SAVP';

const session = (): SdpSession => new SdpSession('192.0.2.1', 20_000, '77', OURS);

function sdp(protocol: string, ...attributes: readonly string[]): string {
  const lines = ['v=0', 'o=- 1 1 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0'];
  return [...lines, `m=audio 4000 ${protocol} 8`, ...attributes.map((line) => `a=${line}`), ''].join('\r\n');
}

const theirs = (setup: string, fingerprint = THEIRS): string[] => [
  `fingerprint:${fingerprint}`,
  `setup:${setup}`,
];

const profileOf = (text: string): string => /^m=audio \d+ (\S+)/m.exec(text)![1]!;
const setupOf = (text: string): string | null => /^a=setup:(\S+)/m.exec(text)?.[1] ?? null;

function answer(on: SdpSession, remote: string, policy: SrtpPolicy = 'required') {
  const made = on.makeAnswer(remote, ['PCMA'], 'sendrecv', policy, 'dtls');
  return made.ok ? made.value : `${made.failure.status} ${made.failure.code}`;
}

function answered(remote: string, policy: SrtpPolicy = 'required') {
  const on = session();
  on.makeOffer(['PCMA'], 'sendrecv', policy, 'dtls');
  const taken = on.takeAnswer(remote);
  return taken.ok ? taken.value : `${taken.failure.status} ${taken.failure.code}`;
}

describe('DTLS-SRTP: answering (RFC 5763 5)', () => {
  const roles: [string, string, string][] = [
    ['actpass', 'passive', 'active'],
    ['active', 'passive', 'active'],
    ['passive', 'active', 'passive'],
  ];
  for (const [offered, ours, peers] of roles) {
    it(`an offer of ${offered} is answered ${ours}, with our fingerprint in the profile of the offer`, () => {
      const made = answer(session(), sdp(`${DTLS}F`, ...theirs(offered)));
      assert.ok(typeof made !== 'string');
      assert.equal(profileOf(made.sdp), `${DTLS}F`);
      assert.match(made.sdp, new RegExp(`^a=fingerprint:${OURS}\r$`, 'm'));
      assert.equal(setupOf(made.sdp), ours);
      assert.doesNotMatch(made.sdp, /a=crypto/);
      assert.deepEqual(made.settings.dtls, { fingerprint: THEIRS, peerRole: peers });
      assert.equal(made.settings.srtp, null);
    });
  }

  const cases: [string, SrtpPolicy, string, string][] = [
    ['DTLS, off', 'off', sdp(DTLS, ...theirs('actpass')), '488 sdp_no_audio'],
    ['AVP with a fingerprint, off', 'off', sdp('RTP/AVP', ...theirs('actpass')), 'RTP/AVP plain'],
    ['DTLS, optional', 'optional', sdp(DTLS, ...theirs('actpass')), `${DTLS} dtls`],
    ['AVP, optional', 'optional', sdp('RTP/AVP'), 'RTP/AVP plain'],
    [
      'AVP with a fingerprint (RFC 8643), optional',
      'optional',
      sdp('RTP/AVP', ...theirs('actpass')),
      'RTP/AVP dtls',
    ],
    ['SAVP with a fingerprint, required', 'required', sdp('RTP/SAVP', ...theirs('actpass')), 'RTP/SAVP dtls'],
    ['AVP, required', 'required', sdp('RTP/AVP'), '488 sdp_no_srtp'],
    ['DTLS without a fingerprint, optional', 'optional', sdp(DTLS, 'setup:actpass'), '488 sdp_no_srtp'],
    [
      'DTLS with a hash that nobody trusts',
      'optional',
      sdp(DTLS, ...theirs('actpass', `md5 ${digest('01', 16)}`)),
      '488 sdp_no_srtp',
    ],
    [
      'DTLS with a fingerprint cut short',
      'required',
      sdp(DTLS, ...theirs('actpass', `sha-256 ${digest('01', 31)}`)),
      '488 sdp_no_srtp',
    ],
    ['holdconn', 'required', sdp(DTLS, ...theirs('holdconn')), '488 sdp_no_srtp'],
    [
      'a key in SDP, required',
      'required',
      sdp('RTP/SAVP', `crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30).toString('base64')}`),
      '488 sdp_no_srtp',
    ],
  ];
  for (const [title, policy, offer, expected] of cases) {
    it(`${title}: ${expected}`, () => {
      const made = answer(session(), offer, policy);
      const got =
        typeof made === 'string' ? made : `${profileOf(made.sdp)} ${made.settings.dtls ? 'dtls' : 'plain'}`;
      assert.equal(got, expected);
    });
  }

  it('a new offer of the same certificate keeps the role, one of another begins anew (RFC 8842 5)', () => {
    const on = session();
    const first = answer(on, sdp(DTLS, ...theirs('passive')));
    assert.ok(typeof first !== 'string' && setupOf(first.sdp) === 'active');
    const hold = answer(on, sdp(DTLS, ...theirs('actpass'), 'sendonly'));
    assert.ok(typeof hold !== 'string' && setupOf(hold.sdp) === 'active');
    const other = answer(on, sdp(DTLS, ...theirs('actpass', `sha-256 ${digest('DD')}`)));
    assert.ok(typeof other !== 'string' && setupOf(other.sdp) === 'passive');
  });

  it('a certificate of ours that has changed stands in the next offer, whose version rises (RFC 3264 8)', () => {
    const on = session();
    answer(on, sdp(DTLS, ...theirs('actpass')));
    on.move('192.0.2.9', 30_000, `sha-256 ${digest('EE')}`);
    const offer = on.makeOffer(['PCMA'], 'sendrecv', 'required', 'dtls');
    assert.match(offer, /^o=relevo 77 2 IN IP4 192\.0\.2\.9\r$/m);
    assert.match(offer, new RegExp(`^a=fingerprint:sha-256 ${digest('EE')}\r$`, 'm'));
    assert.equal(setupOf(offer), 'actpass');
    assert.equal(profileOf(offer), DTLS);
    // An answer may not say actpass, and some do: nobody else would begin.
    const taken = on.takeAnswer(sdp(DTLS, ...theirs('actpass')));
    assert.ok(taken.ok);
    assert.equal(taken.value.settings.dtls?.peerRole, 'passive');
  });
});

describe('DTLS-SRTP: offering (RFC 5763 5)', () => {
  it('leaves the roles to the answer, in the profile of the policy', () => {
    const required = session().makeOffer(['PCMA'], 'sendrecv', 'required', 'dtls');
    assert.equal(`${profileOf(required)} ${setupOf(required)}`, `${DTLS} actpass`);
    const optional = session().makeOffer(['PCMA'], 'sendrecv', 'optional', 'dtls');
    assert.equal(`${profileOf(optional)} ${setupOf(optional)}`, 'RTP/AVP actpass');
    assert.equal(setupOf(session().makeOffer(['PCMA'], 'sendrecv', 'off', 'dtls')), null);
  });

  const cases: [string, SrtpPolicy, string, string][] = [
    ['active', 'required', sdp(DTLS, ...theirs('active')), 'active'],
    ['passive', 'required', sdp(DTLS, ...theirs('passive')), 'passive'],
    ['no role, which is passive (RFC 4145 4.1)', 'required', sdp(DTLS, `fingerprint:${THEIRS}`), 'passive'],
    ['actpass, which no answer may have: we begin', 'required', sdp(DTLS, ...theirs('actpass')), 'passive'],
    ['holdconn', 'required', sdp(DTLS, ...theirs('holdconn')), '488 sdp_answer'],
    ['plain RTP, optional', 'optional', sdp('RTP/AVP'), 'plain'],
    ['plain RTP, required', 'required', sdp('RTP/AVP'), '488 sdp_no_srtp'],
    ['no fingerprint, required', 'required', sdp(DTLS, 'setup:active'), '488 sdp_no_srtp'],
  ];
  for (const [title, policy, remote, expected] of cases) {
    it(`answered with ${title}: ${expected}`, () => {
      const taken = answered(remote, policy);
      assert.equal(typeof taken === 'string' ? taken : (taken.settings.dtls?.peerRole ?? 'plain'), expected);
    });
  }
});

describe('DTLS-SRTP: a=fingerprint and a=setup (RFC 8122 5, RFC 4145 4)', () => {
  it('of the audio line come before those of the session, and the usual hash before a weaker one', () => {
    const weak = `SHA-1 ${digest('aa', 20)}`;
    const text = [
      'v=0',
      `a=fingerprint:${weak}`,
      'a=setup:passive',
      'm=audio 4000 RTP/SAVP 8',
      'm=audio 4002 RTP/SAVP 8',
      `a=fingerprint:${weak}`,
      `a=fingerprint:SHA-256 ${digest('bc')}`,
      'a=setup:ACTPASS',
    ].join('\r\n');
    assert.deepEqual(readDtls(text, 0), { fingerprint: `sha-1 ${digest('AA', 20)}`, setup: 'passive' });
    assert.deepEqual(readDtls(text, 1), { fingerprint: THEIRS, setup: 'actpass' });
    assert.equal(readDtls('v=0\r\nm=audio 4000 RTP/SAVP 8\r\na=setup:active', 0), null);
  });
});
