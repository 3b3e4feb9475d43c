import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { RawUa } from '../../conformance/drachtio/support/raw-ua.js';
import { header, SDP, tag } from '../../conformance/drachtio/support/sip-text.js';
import { BridgeCall } from './support/bridge-call.js';
import { SignallingFixture } from './support/signalling-fixture.js';

const AUTH = { username: 'relevo', password: 'secret' };
const CHALLENGE = 'WWW-Authenticate: Digest realm="pbx", nonce="n1", algorithm=MD5';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

describe('an INVITE that the signalling thread sends', () => {
  let fixture: SignallingFixture;
  let caller: RawUa;
  let bot: RawUa;
  let proxies: string[];

  beforeEach(async () => {
    proxies = [];
    fixture = await SignallingFixture.start({
      makeCall: (seed) => new BridgeCall(seed, { proxies, auth: AUTH }),
    });
    ({ caller, bot } = fixture);
  });
  afterEach(() => fixture.close());

  it('answers a digest challenge with its credentials', async () => {
    caller.send(caller.invite());
    const first = await bot.nextRequest('INVITE');
    bot.send(bot.response(first, 401, 'Unauthorized', 'c1', [CHALLENGE]));
    const second = await bot.nextRequest('INVITE');
    const credentials = header(second, 'Authorization');
    const uri = `sip:bot@127.0.0.1:${bot.port}`;
    const expected = md5(`${md5('relevo:pbx:secret')}:n1:${md5(`INVITE:${uri}`)}`);
    assert.match(credentials, new RegExp(`response="${expected}"`));
    assert.equal(header(second, 'Call-ID'), header(first, 'Call-ID'));
    bot.send(bot.response(second, 486, 'Busy Here'));
    await caller.nextResponse(486, 'INVITE');
  });

  it('gives up at the second challenge and passes it on', async () => {
    caller.send(caller.invite());
    bot.send(bot.response(await bot.nextRequest('INVITE'), 401, 'Unauthorized', 'c1', [CHALLENGE]));
    bot.send(bot.response(await bot.nextRequest('INVITE'), 401, 'Unauthorized', 'c2', [CHALLENGE]));
    await caller.nextResponse(401, 'INVITE');
    await fixture.idle();
    assert.equal(
      bot.count((message) => message.startsWith('INVITE')),
      2,
    );
  });

  it('tries the next hop after a 503, and stops at a busy', async () => {
    const second = await fixture.engine.ua();
    proxies.push(`sip:127.0.0.1:${bot.port}`, `sip:127.0.0.1:${second.port}`);
    caller.send(caller.invite());
    bot.send(bot.response(await bot.nextRequest('INVITE'), 503, 'Service Unavailable'));
    const invite = await second.nextRequest('INVITE');
    second.send(second.response(invite, 486, 'Busy Here'));
    await caller.nextResponse(486, 'INVITE');
  });

  it('does not ring a second time: a 503 after a 180 is final', async () => {
    const second = await fixture.engine.ua();
    proxies.push(`sip:127.0.0.1:${bot.port}`, `sip:127.0.0.1:${second.port}`);
    caller.send(caller.invite());
    const invite = await bot.nextRequest('INVITE');
    bot.send(bot.response(invite, 180, 'Ringing'));
    await caller.nextResponse(180, 'INVITE');
    bot.send(bot.response(invite, 503, 'Service Unavailable'));
    await caller.nextResponse(503, 'INVITE');
    assert.equal(second.seen.length, 0);
  });

  it('holds a CANCEL that comes before any provisional response, and sends it then', async () => {
    const invite = caller.invite();
    caller.send(invite);
    const inviteBot = await bot.nextRequest('INVITE');
    caller.send(caller.sameHop('CANCEL', invite));
    await caller.nextResponse(487, 'INVITE');
    bot.send(bot.response(inviteBot, 180, 'Ringing'));
    bot.send(bot.response(await bot.nextRequest('CANCEL'), 200, 'OK'));
    bot.send(bot.response(inviteBot, 487, 'Request Terminated'));
    await fixture.idle();
  });

  it('ends calls that nobody can signal for any more: the server is gone', async () => {
    caller.send(caller.invite());
    const inviteBot = await bot.nextRequest('INVITE');
    bot.send(bot.response(inviteBot, 200, 'OK', 'btag', [], SDP));
    const ok = await caller.nextResponse(200, 'INVITE');
    assert.ok(tag(header(ok, 'To')));
    caller.send(caller.inDialog('ACK', 1, ok));
    await bot.nextRequest('ACK');
    await fixture.engine.engine.close();
    const lost = await fixture.saying((message) => message.kind === 'controlServer' && !message.connected);
    assert.ok(lost);
    await fixture.idle();
    const [call] = fixture.calls;
    assert.ok(call instanceof BridgeCall);
    const byes = call.events.flatMap((event) => (event.kind === 'bye' ? [event.byStack] : []));
    assert.match(byes[0] ?? '', /lost/);
  });
});
