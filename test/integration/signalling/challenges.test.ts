import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/common/random.js';
import { DigestVerifier, type DigestVerdict } from '../../../src/sip/auth/digest-verifier.js';
import type { RawUa } from '../../conformance/drachtio/support/raw-ua.js';
import { header, headers, SDP } from '../../conformance/drachtio/support/sip-text.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { BridgeCall } from './support/bridge-call.js';
import { SignallingFixture } from './support/signalling-fixture.js';

const AUTH = { username: 'relevo', password: 'secret' };

describe('challenges that calls meet', () => {
  let clock: VirtualClock;
  let fixture: SignallingFixture;
  let caller: RawUa;
  let bot: RawUa;
  let verifier: DigestVerifier;

  beforeEach(async () => {
    clock = new VirtualClock();
    verifier = new DigestVerifier({
      clock,
      random: seededRandom(9),
      realm: 'pbx',
      algorithms: ['SHA-256', 'MD5'],
      nonceLifetimeMs: 3_600_000,
    });
    fixture = await SignallingFixture.start({
      makeCall: (seed) => new BridgeCall(seed, { proxies: [], auth: AUTH }),
      engineClock: clock,
    });
    ({ caller, bot } = fixture);
  });
  afterEach(() => fixture.close());

  const challenge = (stale = false): string[] =>
    verifier.challenges(stale).map((value) => `WWW-Authenticate: ${value}`);
  const judge = (request: string): DigestVerdict => {
    const [method, uri] = request.split(' ', 2);
    const gap = request.indexOf('\r\n\r\n');
    return verifier.verify(
      {
        method: method!,
        uri: uri!,
        body: Buffer.from(request.slice(gap + 4)),
        values: headers(request, 'Authorization'),
      },
      (user) => (user === AUTH.username ? AUTH.password : undefined),
    );
  };
  const cseq = (request: string): number => parseInt(header(request, 'CSeq'));

  /** A call whose INVITE to the bot is challenged; the bot accepts the second one. */
  const answered = async (lines: readonly string[] = []): Promise<string> => {
    caller.send(caller.invite());
    const first = await bot.nextRequest('INVITE');
    bot.send(bot.response(first, 401, 'Unauthorized', 'c1', challenge()));
    await bot.nextRequest('ACK');
    const second = await bot.nextRequest('INVITE');
    assert.equal(judge(second).kind, 'accepted');
    assert.match(header(second, 'Authorization'), /algorithm=SHA-256/);
    assert.equal(cseq(second), cseq(first) + 1);
    bot.send(bot.response(second, 200, 'OK', 'b', lines, SDP));
    await bot.nextRequest('ACK');
    const ok = await caller.nextResponse(200, 'INVITE');
    caller.send(caller.inDialog('ACK', 1, ok));
    // Answered only after the ACK was taken in.
    caller.send(caller.request('OPTIONS'));
    await caller.nextResponse(200, 'OPTIONS');
    return ok;
  };

  it('BYE carries credentials at once, and is sent again where the nonce has become stale', async () => {
    const ok = await answered();
    caller.send(caller.inDialog('BYE', 2, ok));
    const first = await bot.nextRequest('BYE');
    assert.equal(judge(first).kind, 'accepted');
    bot.send(bot.response(first, 401, 'Unauthorized', '', challenge(true)));
    const second = await bot.nextRequest('BYE');
    assert.equal(judge(second).kind, 'accepted');
    assert.equal(cseq(second), cseq(first) + 1);
    bot.send(bot.response(second, 200, 'OK'));
    await fixture.idle();
  });

  for (const method of ['UPDATE', 'INVITE']) {
    it(`a session refresh by ${method} of the engine is sent again with the credentials of the trunk`, async () => {
      const allow = method === 'UPDATE' ? ['Allow: INVITE, ACK, BYE, UPDATE'] : [];
      await answered(['Session-Expires: 120;refresher=uac', 'Require: timer', ...allow]);
      clock.advance(60_100);
      const first = await bot.nextRequest(method);
      assert.deepEqual(headers(first, 'Authorization'), []);
      bot.send(bot.response(first, 407, 'Proxy Authentication Required', '', challenge()));
      if (method === 'INVITE') await bot.nextRequest('ACK');
      const second = await bot.nextRequest(method);
      assert.equal(judge(second).kind, 'accepted');
      assert.equal(cseq(second), cseq(first) + 1);
      assert.equal(header(second, 'Session-Expires'), header(first, 'Session-Expires'));
      const agreed = ['Session-Expires: 120;refresher=uac', 'Require: timer', ...allow];
      bot.send(bot.response(second, 200, 'OK', '', agreed, method === 'INVITE' ? SDP : ''));
      if (method === 'INVITE') await bot.nextRequest('ACK');
      await fixture.engine.settled();
      // The timer runs anew: the next refresh comes at half the interval, no BYE at its end.
      clock.advance(60_100);
      await bot.nextRequest(method);
      assert.equal(
        bot.count((message) => message.startsWith('BYE')),
        0,
      );
    });
  }

  it('a refresh whose credentials are refused is not repeated every few seconds', async () => {
    const allow = ['Allow: INVITE, ACK, BYE, UPDATE'];
    await answered(['Session-Expires: 1800;refresher=uac', 'Require: timer', ...allow]);
    clock.advance(900_100);
    for (let round = 0; round < 2; round++)
      bot.send(bot.response(await bot.nextRequest('UPDATE'), 401, 'Unauthorized', '', challenge()));
    await fixture.engine.settled();
    clock.advance(55_000);
    await fixture.engine.settled();
    assert.equal(
      bot.count((message) => message.startsWith('UPDATE')),
      2,
    );
  });
});
