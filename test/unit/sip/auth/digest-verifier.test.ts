import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { seededRandom } from '../../../../src/common/random.js';
import { answerChallenge, chooseChallenge, parseChallenge } from '../../../../src/sip/auth/digest.js';
import { DigestVerifier, type DigestVerdict } from '../../../../src/sip/auth/digest-verifier.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const URI = 'sip:pbx.example.com';

describe('digest authentication as server (RFC 7616, RFC 8760)', () => {
  let clock: VirtualClock;
  let verifier: DigestVerifier;

  beforeEach(() => {
    clock = new VirtualClock();
    verifier = new DigestVerifier({
      clock,
      random: seededRandom(7),
      realm: 'pbx "main"',
      algorithms: ['SHA-256', 'MD5'],
      nonceLifetimeMs: 60_000,
    });
  });

  /** What a user agent that knows `password` answers to the challenges. */
  const answer = (
    challenges: readonly string[],
    password = 'secret',
    nonceCount = 1,
    username = 'alice',
  ): string =>
    answerChallenge(chooseChallenge(challenges)!, {
      method: 'REGISTER',
      uri: URI,
      username,
      password,
      cnonce: 'c',
      nonceCount,
    })!;

  const verify = (value: string, uri = URI, method = 'REGISTER'): DigestVerdict =>
    verifier.verify({ method, uri, body: Buffer.alloc(0), values: [value] }, (user) =>
      user === 'alice' ? 'secret' : undefined,
    );

  it('accepts the right password under either algorithm', () => {
    const [sha, md5] = verifier.challenges();
    assert.equal(parseChallenge(sha!)?.algorithm, 'SHA-256');
    assert.deepEqual(verify(answer([sha!])), { kind: 'accepted', username: 'alice' });
    assert.deepEqual(verify(answer([md5!])), { kind: 'accepted', username: 'alice' });
  });

  it('refuses a wrong password, an unknown user, another method and a foreign nonce', () => {
    const challenges = verifier.challenges();
    assert.deepEqual(verify(answer(challenges, 'guess')), {
      kind: 'wrong',
      why: 'wrong response',
      username: 'alice',
    });
    assert.deepEqual(verify(answer(challenges, 'secret', 1, 'bob')), {
      kind: 'wrong',
      why: 'unknown user',
      username: 'bob',
    });
    assert.equal(verify(answer(challenges), URI, 'INVITE').kind, 'wrong');
    const forged = challenges.map((one) => one.replace(/nonce="[^"]*/, 'nonce="0.00.11'));
    assert.deepEqual(verify(answer(forged)), { kind: 'foreign' });
  });

  it('takes each nonce count once, and in rising order', () => {
    const challenges = verifier.challenges();
    const first = answer(challenges);
    assert.equal(verify(first).kind, 'accepted');
    assert.equal(verify(first).kind, 'stale', 'a replay');
    assert.equal(verify(answer(challenges, 'secret', 3)).kind, 'accepted');
    assert.equal(verify(answer(challenges, 'secret', 2)).kind, 'stale');
  });

  it('calls an old nonce stale only where the password was right', () => {
    const challenges = verifier.challenges();
    clock.advance(60_001);
    assert.equal(verify(answer(challenges)).kind, 'stale');
    assert.equal(verify(answer(challenges, 'guess')).kind, 'wrong');
    assert.equal(chooseChallenge(verifier.challenges(true))?.stale, true);
  });

  it('takes an HA1 in place of the password, for its own algorithm only', () => {
    const ha1 = createHash('md5').update('alice:pbx "main":secret').digest('hex');
    const judge = (value: string): DigestVerdict =>
      verifier.verify({ method: 'REGISTER', uri: URI, body: Buffer.alloc(0), values: [value] }, () => ({
        MD5: ha1.toUpperCase(),
      }));
    const [sha, md5] = verifier.challenges();
    assert.equal(judge(answer([md5!])).kind, 'accepted');
    assert.equal(judge(answer([sha!])).kind, 'wrong');
    assert.equal(judge(answer([md5!], 'guess', 2)).kind, 'wrong');
  });

  it('takes a nonce only from the address that it was given to', () => {
    const value = answer(verifier.challenges(false, '192.0.2.1'));
    const from = (source: string): string =>
      verifier.verify(
        { method: 'REGISTER', uri: URI, body: Buffer.alloc(0), values: [value], source },
        () => 'secret',
      ).kind;
    assert.equal(from('192.0.2.2'), 'foreign');
    assert.equal(from('192.0.2.1'), 'accepted');
  });

  it('covers the body with auth-int where that is offered', () => {
    const strict = new DigestVerifier({
      clock,
      random: seededRandom(8),
      realm: 'pbx',
      algorithms: ['SHA-512-256'],
      nonceLifetimeMs: 60_000,
      qop: ['auth-int'],
    });
    const value = answerChallenge(chooseChallenge(strict.challenges())!, {
      method: 'INVITE',
      uri: URI,
      username: 'alice',
      password: 'secret',
      cnonce: 'c',
      nonceCount: 1,
      body: Buffer.from('v=0'),
    })!;
    const judge = (body: string): string =>
      strict.verify(
        { method: 'INVITE', uri: `${URI};transport=udp`, body: Buffer.from(body), values: [value] },
        () => 'secret',
      ).kind;
    assert.equal(judge('v=1'), 'wrong');
    assert.equal(judge('v=0'), 'accepted');
  });

  it('passes over credentials for other realms, and names what is malformed', () => {
    assert.equal(
      verify('Digest username="alice", realm="else", nonce="n", uri="u", response="r"').kind,
      'missing',
    );
    assert.equal(verify('Basic YTpi').kind, 'missing');
    const good = answer(verifier.challenges());
    assert.equal(verify(good, 'sip:other').kind, 'malformed');
    for (const broken of [
      good.replace('qop=auth', 'qop=auth-int'),
      good.replace(/nc=\w+/, 'nc=1'),
      good.replace('SHA-256', 'SHA-1'),
    ])
      assert.equal(verify(broken).kind, 'malformed', broken);
  });
});
