import assert from 'node:assert/strict';
import type { CallPlan } from '../../../src/call/project.js';
import type { RawUa } from '../../conformance/drachtio/support/raw-ua.js';
import { header, headers, SDP, tag } from '../../conformance/drachtio/support/sip-text.js';
import { plan, trunk } from './support/plan.js';
import { SignallingFixture } from './support/signalling-fixture.js';

describe('what the signalling thread lets in', () => {
  let fixture: SignallingFixture;
  let caller: RawUa;
  let bot: RawUa;

  const start = async (changes: Partial<CallPlan> = {}): Promise<void> => {
    fixture = await SignallingFixture.start({ plan: (botUri) => plan(botUri, changes) });
    ({ caller, bot } = fixture);
  };
  afterEach(() => fixture.close());

  /** Sends an INVITE and expects this final response. */
  async function refused(status: number, invite = caller.invite()): Promise<string> {
    caller.send(invite);
    const response = await caller.nextResponse(status, 'INVITE');
    caller.send(caller.sameHop('ACK', invite, header(response, 'To')));
    return response;
  }

  const counted = (reason: string): number => fixture.node.stats().refused[reason] ?? 0;

  it('refuses a source that no trunk allows with 403 and counts it', async () => {
    await start({ trunks: { carrier: trunk('carrier', { allow: ['198.51.100.0/24'] }) } });
    await refused(403);
    assert.equal(counted('source_not_allowed'), 1);
    assert.equal(fixture.calls.length, 0);
  });

  it('refuses a number that no project takes with 404', async () => {
    await start();
    await refused(404, caller.request('INVITE', [], SDP, `sip:999@127.0.0.1:${fixture.engine.udpPort}`));
    assert.equal(counted('unknown_number'), 1);
  });

  it('refuses the call after max_calls of a trunk with 503 and Retry-After, and takes one again after a BYE', async () => {
    await start({ trunks: { carrier: trunk('carrier', { maxCalls: 1 }) } });
    caller.send(caller.invite());
    const inviteBot = await bot.nextRequest('INVITE');
    const response = await refused(503);
    assert.match(header(response, 'Retry-After'), /^\d+$/);
    assert.equal(counted('trunk_call_limit'), 1);
    bot.send(bot.response(inviteBot, 486, 'Busy Here'));
    await caller.nextResponse(486, 'INVITE');
    caller.send(caller.invite());
    bot.send(bot.response(await bot.nextRequest('INVITE'), 486, 'Busy Here'));
    await caller.nextResponse(486, 'INVITE');
  });

  it('refuses calls faster than max_cps with 503', async () => {
    await start({ limits: { maxCalls: 0, maxCps: 1 } });
    caller.send(caller.invite());
    await bot.nextRequest('INVITE');
    await refused(503);
    assert.equal(counted('rate_limit'), 1);
  });

  it('refuses new calls with 503 while it drains, and carries the old ones on', async () => {
    await start();
    caller.send(caller.invite());
    const inviteBot = await bot.nextRequest('INVITE');
    fixture.node.handle({ kind: 'drain' });
    assert.match(header(await refused(503), 'Retry-After'), /^\d+$/);
    bot.send(bot.response(inviteBot, 180, 'Ringing'));
    await caller.nextResponse(180, 'INVITE');
    bot.send(bot.response(inviteBot, 486, 'Busy Here'));
    await caller.nextResponse(486, 'INVITE');
  });

  it('answers 415 with Accept to a body that it cannot read', async () => {
    await start();
    const invite = caller.invite().replace('application/sdp', 'text/html');
    assert.equal(header(await refused(415, invite), 'Accept'), 'application/sdp');
  });

  it('answers 420 with Unsupported to an extension that it does not have', async () => {
    await start();
    const response = await refused(420, caller.invite(['Require: 100rel, precondition']));
    assert.equal(header(response, 'Unsupported'), 'precondition');
  });

  it('answers 482 to its own INVITE that came back', async () => {
    await start();
    caller.send(caller.invite());
    const own = await bot.nextRequest('INVITE');
    const looped = own
      .replace(/^INVITE \S+/, `INVITE sip:1234@127.0.0.1:${fixture.engine.udpPort}`)
      .replace(/^Via: /m, `${bot.via()}\r\nVia: `);
    bot.send(looped);
    await bot.nextResponse(482, 'INVITE');
    bot.send(bot.response(own, 486, 'Busy Here'));
    await caller.nextResponse(486, 'INVITE');
  });

  for (const [method, status] of [
    ['REFER', 403],
    ['SUBSCRIBE', 405],
    ['REGISTER', 405],
    ['MESSAGE', 405],
    ['NOTIFY', 481],
    ['OPTIONS', 200],
  ] as const) {
    it(`answers ${method} outside a dialog with ${status}`, async () => {
      await start();
      caller.send(caller.request(method, ['Refer-To: <sip:x@127.0.0.1>', 'Event: refer']));
      const response = await caller.nextResponse(status, method);
      if (status === 405) assert.match(headers(response, 'Allow').join(','), /INVITE.*REFER/);
    });
  }

  describe('INVITE with Replaces', () => {
    /** An established call; the Replaces value names the caller's dialog as its peer, the caller, sees it. */
    async function establishedReplaces(): Promise<string> {
      caller.send(caller.invite());
      const inviteBot = await bot.nextRequest('INVITE');
      bot.send(bot.response(inviteBot, 200, 'OK', 'btag', [], SDP));
      const ok = await caller.nextResponse(200, 'INVITE');
      caller.send(caller.inDialog('ACK', 1, ok));
      await bot.nextRequest('ACK');
      const callId = header(ok, 'Call-ID');
      return `${callId};to-tag=${tag(header(ok, 'To'))};from-tag=${tag(header(ok, 'From'))}`;
    }

    it('is delivered to the call whose dialog it names', async () => {
      await start();
      const replaces = await establishedReplaces();
      await refused(488, caller.invite([`Replaces: ${replaces}`]));
      const [call] = fixture.calls as unknown as { events: { kind: string; replacesLegId?: string }[] }[];
      const event = call?.events.find(({ kind }) => kind === 'incomingReplaces');
      assert.match(event?.replacesLegId ?? '', /\.1$/);
    });

    it('gets 481 for an unknown dialog, 486 for early-only on a confirmed one, 400 where malformed', async () => {
      await start();
      const replaces = await establishedReplaces();
      await refused(481, caller.invite(['Replaces: nobody@ua;to-tag=a;from-tag=b']));
      await refused(486, caller.invite([`Replaces: ${replaces};early-only`]));
      await refused(400, caller.invite(['Replaces: nobody@ua']));
    });

    it('gets 403 from a trunk that may not replace', async () => {
      await start({ trunks: { carrier: trunk('carrier', { acceptReplaces: false }) } });
      await refused(403, caller.invite([`Replaces: ${await establishedReplaces()}`]));
    });

    it('gets 603 for a dialog that has ended', async () => {
      await start();
      caller.send(caller.invite());
      const inviteBot = await bot.nextRequest('INVITE');
      bot.send(bot.response(inviteBot, 200, 'OK', 'btag', [], SDP));
      const ok = await caller.nextResponse(200, 'INVITE');
      caller.send(caller.inDialog('ACK', 1, ok));
      caller.send(caller.inDialog('BYE', 2, ok));
      await caller.nextResponse(200, 'BYE');
      bot.send(bot.response(await bot.nextRequest('BYE'), 200, 'OK'));
      await fixture.idle();
      const tags = `to-tag=${tag(header(ok, 'To'))};from-tag=${tag(header(ok, 'From'))}`;
      await refused(603, caller.invite([`Replaces: ${header(ok, 'Call-ID')};${tags}`]));
    });
  });
});
