import assert from 'node:assert/strict';
import {
  answerChallenge,
  chooseChallenge,
  parseChallenge,
  parseDigestParams,
} from '../../../../src/sip/auth/digest.js';

const field = (answer: string | undefined, name: string): string | undefined =>
  parseDigestParams(answer ?? '')?.get(name);

describe('digest', () => {
  it('answers as the example of RFC 2617 3.5', () => {
    const challenge = parseChallenge(
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    );
    assert.ok(challenge);
    const answer = answerChallenge(challenge, {
      method: 'GET',
      uri: '/dir/index.html',
      username: 'Mufasa',
      password: 'Circle Of Life',
      cnonce: '0a4f113b',
      nonceCount: 1,
    });
    assert.equal(field(answer, 'response'), '6629fae49393a05397450978507c4ef1');
    assert.equal(field(answer, 'nc'), '00000001');
    assert.equal(field(answer, 'opaque'), '5ccc069c403ebaf9f0171e9517f40e41');
    assert.match(answer ?? '', /, qop=auth, /);
  });

  it('answers as the examples of RFC 7616 3.9.1, in MD5 and SHA-256, and prefers the stronger', () => {
    const of = (algorithm: string): string =>
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
    const request = {
      method: 'GET',
      uri: '/dir/index.html',
      username: 'Mufasa',
      password: 'Circle of Life',
      cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
      nonceCount: 1,
    };
    const md5 = parseChallenge(of('MD5'));
    const best = chooseChallenge([of('MD5'), 'Basic realm="x"', of('SHA-256'), of('UNHEARD-OF')]);
    assert.ok(md5 && best);
    assert.equal(field(answerChallenge(md5, request), 'response'), '8ca523f5e9506fed4657c9700eebdbec');
    assert.equal(best.algorithm, 'SHA-256');
    assert.equal(
      field(answerChallenge(best, request), 'response'),
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    );
  });

  it('answers a challenge without qop in the old way, without nc and cnonce', () => {
    const challenge = parseChallenge('digest realm="r",nonce="n",stale=TRUE');
    assert.ok(challenge);
    assert.equal(challenge.stale, true);
    const answer = answerChallenge(challenge, {
      method: 'REGISTER',
      uri: 'sip:h',
      username: 'u"q',
      password: 'p',
      cnonce: 'c',
      nonceCount: 1,
    });
    assert.equal(field(answer, 'qop'), undefined);
    assert.equal(field(answer, 'nc'), undefined);
    assert.equal(field(answer, 'username'), 'u"q');
  });

  it('answers nothing that it does not understand', () => {
    assert.equal(parseChallenge('Basic realm="x"'), undefined);
    assert.equal(parseChallenge('Digest realm="x"'), undefined);
    assert.equal(parseChallenge('Digest realm="open, nonce="n"x'), undefined);
    assert.equal(chooseChallenge(['Digest realm="r", nonce="n", algorithm=AKAv1-MD5']), undefined);
    assert.equal(chooseChallenge(['Digest realm="r", nonce="n", qop="token"']), undefined);
  });
});
