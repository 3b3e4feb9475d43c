import assert from 'node:assert/strict';
import { seededRandom } from '../../../../src/common/random.js';
import { DigestClient, type DigestStep } from '../../../../src/sip/auth/digest-client.js';
import { parseDigestParams } from '../../../../src/sip/auth/digest.js';

const INVITE = { method: 'INVITE', uri: 'sip:1@pbx', body: Buffer.from('v=0\r\n') };
const digest = (realm: string, nonce: string, rest = ''): string =>
  `Digest realm="${realm}", nonce="${nonce}", qop="auth"${rest}`;
const none: readonly string[] = [];

describe('digest client (RFC 3261 22, RFC 7616, RFC 8760)', () => {
  let client: DigestClient;

  beforeEach(() => {
    client = new DigestClient('alice', 'secret', seededRandom(3));
  });

  const field = (value: string | undefined, name: string): string | undefined =>
    parseDigestParams(value ?? '')?.get(name);
  const retry = (step: DigestStep): Extract<DigestStep, { kind: 'retry' }>['headers'] => {
    assert.equal(step.kind, 'retry');
    return step.headers;
  };

  it('answers the strongest algorithm of several, whatever their order', () => {
    const headers = retry(
      client.begin().onChallenge(
        {
          www: [
            digest('pbx', 'a', ', algorithm=MD5'),
            digest('pbx', 'b', ', algorithm=SHA-512-256'),
            digest('pbx', 'c', ', algorithm=SHA-256'),
            digest('pbx', 'd', ', algorithm=TIGER'),
          ],
          proxy: none,
        },
        INVITE,
      ),
    );
    assert.equal(headers.authorization.length, 1);
    assert.equal(field(headers.authorization[0], 'algorithm'), 'SHA-512-256');
    assert.equal(field(headers.authorization[0], 'nonce'), 'b');
  });

  it('answers a proxy and the UAS in one response, and both again when they ask one after the other', () => {
    const both = retry(
      client.begin().onChallenge({ www: [digest('uas', 'u')], proxy: [digest('proxy', 'p')] }, INVITE),
    );
    assert.equal(field(both.authorization[0], 'realm'), 'uas');
    assert.equal(field(both.proxyAuthorization[0], 'realm'), 'proxy');

    const inTurn = new DigestClient('alice', 'secret', seededRandom(4)).begin();
    retry(inTurn.onChallenge({ www: none, proxy: [digest('proxy', 'p')] }, INVITE));
    const second = retry(inTurn.onChallenge({ www: [digest('uas', 'u')], proxy: none }, INVITE));
    assert.equal(field(second.proxyAuthorization[0], 'nc'), '00000002');
    assert.equal(field(second.authorization[0], 'nc'), '00000001');
  });

  it('answers once: a second challenge is a wrong password, and is not carried into the next request', () => {
    const attempt = client.begin();
    retry(attempt.onChallenge({ www: [digest('pbx', 'a')], proxy: none }, INVITE));
    assert.deepEqual(attempt.onChallenge({ www: [digest('pbx', 'b')], proxy: none }, INVITE), {
      kind: 'auth_failed',
      realm: 'pbx',
    });
    assert.deepEqual(client.begin().anticipate(INVITE).authorization, []);
  });

  it('takes a stale nonce once more, not for ever', () => {
    const attempt = client.begin();
    const stale = (nonce: string): DigestStep =>
      attempt.onChallenge({ www: [digest('pbx', nonce, ', stale=true')], proxy: none }, INVITE);
    retry(attempt.onChallenge({ www: [digest('pbx', 'a')], proxy: none }, INVITE));
    assert.equal(field(retry(stale('b')).authorization[0], 'nonce'), 'b');
    assert.equal(stale('c').kind, 'auth_failed');
  });

  it('ends also with a peer that makes up a realm each time', () => {
    const attempt = client.begin();
    let sent = 0;
    while (
      attempt.onChallenge({ www: [digest(`realm ${sent}`, 'n')], proxy: none }, INVITE).kind === 'retry'
    ) {
      sent += 1;
      assert.ok(sent < 10);
    }
    assert.equal(sent, 4);
  });

  it('gives credentials before they are asked for, with the next count of the nonce', () => {
    const first = client.begin();
    retry(first.onChallenge({ www: [digest('pbx', 'a')], proxy: none }, INVITE));
    first.onAccepted({ www: none, proxy: none });
    const bye = { method: 'BYE', uri: 'sip:1@pbx', body: Buffer.alloc(0) };
    const headers = client.begin().anticipate(bye);
    assert.equal(field(headers.authorization[0], 'nonce'), 'a');
    assert.equal(field(headers.authorization[0], 'nc'), '00000002');
  });

  it('answers the challenge that refuses anticipated credentials, and stops anticipating where it never helps', () => {
    retry(client.begin().onChallenge({ www: [digest('pbx', 'n0')], proxy: none }, INVITE));
    for (let round = 1; round <= 3; round++) {
      const attempt = client.begin();
      assert.equal(attempt.anticipate(INVITE).authorization.length, 1);
      retry(attempt.onChallenge({ www: [digest('pbx', `n${round}`)], proxy: none }, INVITE));
    }
    assert.deepEqual(client.begin().anticipate(INVITE).authorization, []);
  });

  it('goes on with the nextnonce of Authentication-Info (RFC 7616 3.5)', () => {
    const attempt = client.begin();
    retry(attempt.onChallenge({ www: [digest('pbx', 'a', ', opaque="o"')], proxy: none }, INVITE));
    attempt.onAccepted({ www: ['nextnonce="z", qop=auth'], proxy: none });
    const [value] = client.begin().anticipate(INVITE).authorization;
    assert.equal(field(value, 'nonce'), 'z');
    assert.equal(field(value, 'nc'), '00000001');
    assert.equal(field(value, 'opaque'), 'o');
  });

  it('covers the body where only auth-int is offered', () => {
    const value = (body: string): string | undefined => {
      const one = new DigestClient('alice', 'secret', seededRandom(3)).begin();
      const challenge = 'Digest realm="pbx", nonce="a", qop="auth-int"';
      const step = one.onChallenge({ www: [challenge], proxy: none }, { ...INVITE, body: Buffer.from(body) });
      return field(retry(step).authorization[0], 'response');
    };
    assert.notEqual(value('v=0'), value('v=1'));
    assert.equal(value('v=0'), value('v=0'));
  });

  it('leaves a challenge that it cannot read to its owner', () => {
    for (const www of [[], ['Basic realm="pbx"'], [digest('pbx', 'a', ', algorithm=TIGER')]])
      assert.equal(client.begin().onChallenge({ www, proxy: none }, INVITE).kind, 'unanswerable');
  });
});
