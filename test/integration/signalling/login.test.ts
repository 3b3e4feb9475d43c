import assert from 'node:assert/strict';
import type { CallPlan } from '../../../src/call/project.js';
import type { TrunkLogin } from '../../../src/call/trunk-auth.js';
import { seededRandom } from '../../../src/common/random.js';
import { DigestClient } from '../../../src/sip/auth/digest-client.js';
import type { SignallingStats } from '../../../src/signalling/thread-messages.js';
import { FAILURES_PER_USER } from '../../../src/signalling/login/login-guard.js';
import type { RawUa } from '../../conformance/drachtio/support/raw-ua.js';
import { header, headers, SDP } from '../../conformance/drachtio/support/sip-text.js';
import { plan } from './support/plan.js';
import { SignallingFixture } from './support/signalling-fixture.js';

const LOGIN: TrunkLogin = {
  realm: 'relevo',
  users: { alice: 'wonderland' },
  algorithms: ['SHA-256', 'MD5'],
  qop: ['auth'],
  requiredFor: 'everyone',
  inDialog: 'refer',
};

describe('trunks whose callers must log in', () => {
  let fixture: SignallingFixture;
  let caller: RawUa;
  let bot: RawUa;

  const start = async (login: Partial<TrunkLogin> = {}, allow: readonly string[] = []): Promise<void> => {
    fixture = await SignallingFixture.start({
      plan: (botUri): CallPlan => {
        const base = plan(botUri);
        const [name, trunk] = Object.entries(base.trunks)[0]!;
        return { ...base, trunks: { [name]: { ...trunk, allow, login: { ...LOGIN, ...login } } } };
      },
    });
    ({ caller, bot } = fixture);
  };
  afterEach(() => fixture.close());

  const stats = (): SignallingStats => fixture.node.stats();

  /** The same request with credentials and the next CSeq. */
  const answered = (request: string, challenged: string, password: string, user = 'alice'): string => {
    const [method, uri] = request.split(' ', 2);
    const step = new DigestClient(user, password, seededRandom(1))
      .begin()
      .onChallenge(
        { www: headers(challenged, 'WWW-Authenticate'), proxy: [] },
        { method: method!, uri: uri!, body: Buffer.alloc(0) },
      );
    assert.equal(step.kind, 'retry');
    const value = step.headers.authorization[0]!;
    const cseq = parseInt(header(request, 'CSeq')) + 1;
    return request
      .replace(/branch=z9hG4bK/, `branch=z9hG4bKagain${cseq}`)
      .replace(/CSeq: \d+/, `CSeq: ${cseq}`)
      .replace('\r\n\r\n', `\r\nAuthorization: ${value}\r\n\r\n`);
  };

  const ask = async (): Promise<{ invite: string; challenge: string }> => {
    const invite = caller.invite();
    caller.send(invite);
    const challenge = await caller.nextResponse(401, 'INVITE');
    caller.send(caller.sameHop('ACK', invite, challenge));
    return { invite, challenge };
  };

  it('challenge an INVITE from anywhere with each algorithm, and let the right password in', async () => {
    await start();
    const { invite, challenge } = await ask();
    const offered = headers(challenge, 'WWW-Authenticate');
    assert.deepEqual(
      offered.map((value) => /algorithm=([\w-]+)/.exec(value)?.[1]),
      ['SHA-256', 'MD5'],
    );
    caller.send(answered(invite, challenge, 'wonderland'));
    bot.send(bot.response(await bot.nextRequest('INVITE'), 486, 'Busy Here'));
    await caller.nextResponse(486, 'INVITE');
    assert.equal(stats().loginChallenges, 1);
    assert.deepEqual(stats().refused, {});
  });

  it('never let a wrong password in, and stop asking who guesses', async () => {
    await start();
    const { invite, challenge } = await ask();
    for (let round = 0; round < FAILURES_PER_USER; round++) {
      const other = invite.replace(/branch=z9hG4bK/, `branch=z9hG4bKguess${round}`);
      caller.send(answered(other.replace(/CSeq: 1/, `CSeq: ${round + 10}`), challenge, `guess ${round}`));
      await caller.nextResponse(401, 'INVITE');
    }
    caller.send(answered(invite, challenge, 'wonderland'));
    await caller.nextResponse(403, 'INVITE');
    assert.equal(stats().refused['login_failed'], FAILURES_PER_USER);
    assert.equal(stats().refused['login_banned'], 1);
    assert.equal(bot.seen.length, 0);
  });

  it('take credentials once: a copy of them is asked for new ones', async () => {
    await start();
    const { invite, challenge } = await ask();
    const good = answered(invite, challenge, 'wonderland');
    caller.send(good);
    bot.send(bot.response(await bot.nextRequest('INVITE'), 486, 'Busy Here'));
    caller.send(caller.sameHop('ACK', good, await caller.nextResponse(486, 'INVITE')));
    await fixture.idle();
    caller.send(
      good.replace(/branch=z9hG4bK/, 'branch=z9hG4bKreplay').replace(/Call-ID: /, 'Call-ID: replay'),
    );
    const again = await caller.nextResponse(401, 'INVITE');
    assert.match(headers(again, 'WWW-Authenticate')[0] ?? '', /stale=true/);
  });

  it('challenge nobody outside `allow` where all must log in', async () => {
    await start({}, ['192.0.2.0/24']);
    caller.send(caller.invite());
    await caller.nextResponse(403, 'INVITE');
  });

  it('let a source in `allow` pass where only strangers must log in', async () => {
    await start({ requiredFor: 'strangers' }, ['127.0.0.0/8']);
    caller.send(caller.invite());
    bot.send(bot.response(await bot.nextRequest('INVITE'), 486, 'Busy Here'));
    await caller.nextResponse(486, 'INVITE');
  });

  it('challenge a REFER within the call where the trunk says so, but no BYE', async () => {
    await start();
    const { invite, challenge } = await ask();
    const good = answered(invite, challenge, 'wonderland');
    caller.send(good);
    bot.send(bot.response(await bot.nextRequest('INVITE'), 200, 'OK', 'b', [], SDP));
    await bot.nextRequest('ACK');
    const ok = await caller.nextResponse(200, 'INVITE');
    caller.send(caller.inDialog('ACK', 2, ok));
    const refer = caller.inDialog('REFER', 3, ok, ['Refer-To: <sip:x@example.net>']);
    caller.send(refer);
    const asked = await caller.nextResponse(401, 'REFER');
    caller.send(answered(refer, asked, 'wonderland'));
    const passed = await bot.nextRequest('REFER');
    bot.send(bot.response(passed, 603, 'Decline'));
    await caller.nextResponse(603, 'REFER');
    caller.send(caller.inDialog('BYE', 9, ok));
    bot.send(bot.response(await bot.nextRequest('BYE'), 200, 'OK'));
    await caller.nextResponse(200, 'BYE');
  });
});
