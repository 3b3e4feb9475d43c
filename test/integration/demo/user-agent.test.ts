import assert from 'node:assert/strict';
import { tone } from '../../../src/demo/audio/audio-source.js';
import { busy, decline, neverAnswers } from '../../../src/demo/call-policy.js';
import type { DemoCall } from '../../../src/demo/demo-call.js';
import { DemoUserAgent, type DemoUserAgentOptions } from '../../../src/demo/user-agent.js';

const WITHIN = { withinMs: 3000 };

describe('a demonstration user agent', () => {
  const open: DemoUserAgent[] = [];
  const start = async (name: string, hz: number, options: Partial<DemoUserAgentOptions> = {}) => {
    const agent = await DemoUserAgent.start({ name, source: () => tone(hz), ...options });
    open.push(agent);
    return agent;
  };
  const connect = async (from: DemoUserAgent, to: DemoUserAgent): Promise<[DemoCall, DemoCall]> => {
    const arriving = to.nextCall(2000);
    const call = from.call(to.uri);
    await call.answered;
    return [call, await arriving];
  };

  afterEach(async () => {
    await Promise.all(open.map((agent) => agent.close()));
    const problems = open.flatMap((agent) => agent.problems);
    open.length = 0;
    assert.deepEqual(problems, []);
  });

  for (const preferred of ['tcp', 'udp'] as const) {
    it(`calls another over ${preferred.toUpperCase()}, both hear each other, and BYE ends both sides`, async () => {
      const alice = await start('alice', 440, { preferred });
      const bob = await start('bob', 880, { preferred });
      const [call, taken] = await connect(alice, bob);
      await Promise.all([call.hearing.hears(880, WITHIN), taken.hearing.hears(440, WITHIN)]);
      assert.deepEqual(
        taken.hearing.heard().map((one) => one.hz),
        [440],
      );
      await call.hangUp('Q.850;cause=16');
      assert.deepEqual(await taken.ended, { by: 'remote', status: null, reason: 'Q.850;cause=16' });
      assert.equal((await call.ended).by, 'local');
      const stats = taken.rtpStats();
      assert.equal(stats.ssrcChanges + stats.lost + stats.late + stats.timestampJumps + stats.malformed, 0);
    });
  }

  it('agrees on PCMA where the offer prefers it', async () => {
    const alice = await start('alice', 500, { codecs: ['PCMA'] });
    const bob = await start('bob', 700);
    const [call, taken] = await connect(alice, bob);
    await Promise.all([call.hearing.hears(700, WITHIN), taken.hearing.hears(500, WITHIN)]);
  });

  it('sends and receives digits by RFC 4733, and the tone goes on around them', async () => {
    const alice = await start('alice', 440);
    const bob = await start('bob', 880);
    const [call, taken] = await connect(alice, bob);
    await call.press('12#0', 60);
    assert.equal(await taken.receivesDigits(4, 2000), '12#0');
    await taken.hearing.hears(440, WITHIN);
    assert.equal(taken.rtpStats().timestampJumps, 0);
  });

  it('puts a call on hold and takes it off again', async () => {
    const alice = await start('alice', 440);
    const bob = await start('bob', 880);
    const [call, taken] = await connect(alice, bob);
    await call.hearing.hears(880, WITHIN);
    assert.equal(await call.hold('inactive'), 200);
    assert.equal(taken.mediaDirection, 'inactive');
    await Promise.all([
      call.hearing.stopsHearing(880, { ...WITHIN, forMs: 250 }),
      taken.hearing.stopsHearing(440, { ...WITHIN, forMs: 250 }),
    ]);
    assert.equal(await call.unhold(), 200);
    await Promise.all([call.hearing.hears(880, WITHIN), taken.hearing.hears(440, WITHIN)]);
    assert.equal(taken.rtpStats().timestampJumps, 0);
  });

  it('reports how a call was refused, cancelled or left ringing', async () => {
    const alice = await start('alice', 440);
    const bob = await start('bob', 880, { answer: busy });
    const refused = alice.call(bob.uri);
    await assert.rejects(refused.answered, /486/);
    assert.deepEqual(await refused.ended, { by: 'remote', status: 486, reason: null });
    bob.answer = decline;
    assert.equal((await alice.call(bob.uri).ended).status, 603);
    bob.answer = neverAnswers;
    const arriving = bob.nextCall(2000);
    const ringing = alice.call(bob.uri);
    const rung = await arriving;
    await ringing.hangUp();
    assert.deepEqual([(await ringing.ended).by, (await ringing.ended).status], ['local', 487]);
    assert.deepEqual([(await rung.ended).by, (await rung.ended).status], ['remote', 487]);
    assert.equal((await alice.call('sip:nobody@127.0.0.1:9;transport=tcp').ended).status, 503);
  });

  it('carries headers and INFO to the other side', async () => {
    const alice = await start('alice', 440);
    const bob = await start('bob', 880);
    const arriving = bob.nextCall(2000);
    const call = alice.call(bob.uri, { headers: ['X-Tier: gold', 'User-to-User: 48656c6c6f;encoding=hex'] });
    const taken = await arriving;
    await call.answered;
    assert.equal(taken.header('X-Tier'), 'gold');
    assert.equal(taken.header('User-to-User'), '48656c6c6f;encoding=hex');
    assert.equal(await call.sendEvent({ event: 'turn', intent: 'agent', confidence: 0.9 }), 200);
    const info = await taken.receivesInfo(1, 1000);
    assert.deepEqual(JSON.parse(info.body), { event: 'turn', intent: 'agent', confidence: 0.9 });
  });

  it('follows a blind REFER and NOTIFYs the referrer until the target has answered', async () => {
    const alice = await start('alice', 440);
    const bob = await start('bob', 880);
    const carol = await start('carol', 1320, { answer: { kind: 'answer', afterMs: 50 } });
    const [call, taken] = await connect(alice, bob);
    const replaced = call.isReplaced(3000);
    const arriving = carol.nextCall(2000);
    const refer = await taken.refer(`${carol.uri}?X-Reason=user_request`);
    assert.equal(refer.status, 202);
    assert.deepEqual(await refer.outcome, { by: 'notify', status: 200 });
    assert.deepEqual(
      refer.notifications.map((one) => one.status),
      [100, 180, 200],
    );
    assert.match(refer.notifications[0]!.subscriptionState, /^active/);
    assert.match(refer.notifications[2]!.subscriptionState, /^terminated/);
    const atCarol = await arriving;
    assert.match(atCarol.header('Referred-By') ?? '', /sip:bob@127\.0\.0\.1/);
    assert.equal(atCarol.header('X-Reason'), 'user_request');
    const next = await replaced;
    await taken.hangUp();
    await Promise.all([next.hearing.hears(1320, WITHIN), atCarol.hearing.hears(440, WITHIN)]);
  });

  it('tells the referrer that the target was busy, or that it does not transfer at all', async () => {
    const alice = await start('alice', 440);
    const bob = await start('bob', 880);
    const carol = await start('carol', 1320, { answer: busy });
    const [call, taken] = await connect(alice, bob);
    const refer = await taken.refer(carol.uri);
    assert.deepEqual(await refer.outcome, { by: 'notify', status: 486 });
    assert.equal(call.state, 'answered');
    alice.refer = { kind: 'reject', status: 603 };
    const refused = await taken.refer(carol.uri);
    assert.equal(refused.status, 603);
    assert.deepEqual(await refused.outcome, { by: 'response', status: 603 });
    alice.refer = { kind: 'accept-and-bye', afterMs: 20 };
    const cut = await taken.refer(carol.uri);
    assert.equal(cut.status, 202);
    assert.deepEqual(await cut.outcome, { by: 'call-ended', status: null });
  });

  it('takes the place of a call by INVITE with Replaces', async () => {
    const alice = await start('alice', 440);
    const bob = await start('bob', 880);
    const carol = await start('carol', 1320);
    // Bob has both calls; he hands Alice's to Carol by naming it to her user agent.
    const [call, taken] = await connect(alice, bob);
    const replaced = taken.isReplaced(3000);
    const next = carol.call(bob.uri, { headers: [`Replaces: ${call.replacesValue()}`] });
    await next.answered;
    const heir = await replaced;
    assert.equal(heir.replaces, taken);
    await call.ended;
    await Promise.all([next.hearing.hears(880, WITHIN), heir.hearing.hears(1320, WITHIN)]);
    const unknown = carol.call(bob.uri, { headers: ['Replaces: nobody;to-tag=a;from-tag=b'] });
    assert.equal((await unknown.ended).status, 481);
  });

  it('completes an attended transfer by REFER with Replaces', async () => {
    const alice = await start('alice', 440);
    const bob = await start('bob', 880);
    const carol = await start('carol', 1320);
    const [call, taken] = await connect(alice, bob);
    const [consultation, consulted] = await connect(bob, carol);
    const replacedAtAlice = call.isReplaced(3000);
    const replacedAtCarol = consulted.isReplaced(3000);
    const refer = await taken.refer(consultation);
    assert.deepEqual(await refer.outcome, { by: 'notify', status: 200 });
    await consultation.ended;
    await taken.hangUp();
    const [atAlice, atCarol] = await Promise.all([replacedAtAlice, replacedAtCarol]);
    await Promise.all([atAlice.hearing.hears(1320, WITHIN), atCarol.hearing.hears(440, WITHIN)]);
  });
});
