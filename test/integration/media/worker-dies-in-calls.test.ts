import assert from 'node:assert/strict';
import { peerSdp } from '../../../bench/peer/sip-text.js';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { freePort } from '../../support/free-ports.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../../support/node-under-test.js';
import type { Incoming } from '../soak/light-peer.js';
import { Talker } from './talker.js';

const CALLER = 0x11;
const BOT = 0x22;
const AGENT = 0x33;

describe('a media worker dies while calls are up', function () {
  this.timeout(60_000);
  let node: NodeUnderTest;
  let talkers: Talker[] = [];
  let threads: MediaWorkers[] = [];
  let callId = '';
  let calls = 0;

  before(async () => {
    const first = await freePort(40_000, 50_000);
    node = await startNodeUnderTest({
      patient: true,
      media: `media: { kind: embedded, address: 127.0.0.1, ports: ${first}-${first + 7999}, workers: 2 }`,
      startMediaWorkers: async (options) => {
        const workers = await startMediaWorkers(options);
        threads.push(workers);
        return workers;
      },
    });
  });
  afterEach(() => {
    for (const talker of talkers) talker.close();
    talkers = [];
  });
  after(() => node.close());

  async function party(port: number, voice: number, onInvite?: (invite: Incoming) => void): Promise<Talker> {
    const talker = await Talker.open(port, node.sipPort, voice, onInvite, () => callId);
    talkers.push(talker);
    return talker;
  }

  /** Kills the worker that has legs, without a word. */
  async function kill(): Promise<void> {
    const legs = await Promise.all(
      threads.map(async (workers) => ((await workers.stats())[0]?.legs ?? 0) > 0),
    );
    const busy = threads.filter((_, index) => legs[index]);
    assert.equal(busy.length, 1, 'all legs of a call are on one worker');
    threads = threads.filter((workers) => workers !== busy[0]);
    await busy[0]!.kill!();
  }

  /** Resolves once the worker that was killed is replaced. */
  async function bothUp(): Promise<void> {
    while (
      threads.length < 2 ||
      !/"media-0":"up".*"media-1":"up"/.test(await (await node.api('/healthz')).text())
    )
      await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async function call(caller: Talker, number: string): Promise<void> {
    const mark = `moved${calls++}`;
    callId = `${mark}@soak`;
    assert.equal(await caller.peer.call(number, mark), 200);
  }

  const notes = (view: CallView, name: string): CallView['notes'] =>
    view.notes.filter((note) => note.name === name);
  const origin = (text: string): number => Number(/\r\no=\S+ \S+ (\d+) /.exec(text)![1]);
  const audio = (text: string): string => /\r\nm=audio (\d+)/.exec(text)![1]!;

  it('they go on at another one: new ports by re-INVITE, audio both ways, the gap in the record and in metrics', async () => {
    const bot = await party(node.botPort, BOT);
    const caller = await party(0, CALLER);
    await call(caller, NUMBERS.basic);
    await caller.hears(BOT);
    await bot.hears(CALLER);
    const answer = caller.peer.answerOf(callId);
    await kill();
    const killedAt = performance.now();
    const [toCaller, toBot] = [await caller.invited(1), await bot.invited(2)];
    assert.notEqual(audio(toCaller.text), audio(answer));
    assert.equal(origin(toCaller.text), origin(answer) + 1);
    assert.equal(origin(toBot.text), origin(bot.invites[0]!.text) + 1);
    await caller.hears(BOT, killedAt);
    await bot.hears(CALLER, killedAt);
    const view = await node.newestCall((one) => notes(one, 'media_moved').length === 2);
    for (const { detail } of notes(view, 'media_moved')) {
      assert.ok(typeof detail['gapMs'] === 'number' && detail['gapMs'] >= 0 && detail['gapMs'] < 10_000);
    }
    const metrics = await (await node.api('/metrics')).text();
    assert.match(metrics, /relevo_media_moved_total\{party="caller",result="moved"\} 1/);
    assert.match(metrics, /relevo_media_moved_gap_seconds_count\{party="bot"\} 1/);
    caller.peer.request(callId, 'BYE');
    await node.newestCall((one) => one.endedAt !== null);
  });

  it('with many calls up, every peer is told exactly once, and none is lost', async () => {
    const count = Number(process.env['RELEVO_TEST_CALLS'] ?? 60);
    const bot = await party(node.botPort, BOT);
    const caller = await party(0, CALLER);
    await bothUp();
    const marks = Array.from({ length: count }, (_, index) => `storm${index}`);
    for (const mark of marks) assert.equal(await caller.peer.call(NUMBERS.basic, mark), 200);
    callId = `${marks[0]!}@soak`;
    const [victim, other] = threads.splice(0);
    const legs = (await victim!.stats())[0]!.legs;
    assert.ok(legs > 0 && legs < 2 * count, `${legs} legs of ${2 * count} are on one worker`);
    threads.push(other!);
    await victim!.kill!();
    await Promise.all([caller.invited(legs / 2), bot.invited(count + legs / 2)]);
    assert.equal(new Set(caller.invites.map((invite) => invite.callId)).size, legs / 2);
    for (const mark of marks) caller.peer.request(`${mark}@soak`, 'BYE');
    const untilOver = async (): Promise<readonly CallView[]> => {
      const body = (await (await node.api('/v1/calls?limit=500')).json()) as { calls: CallView[] };
      if (body.calls.every(({ endedAt }) => endedAt !== null)) return body.calls;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return untilOver();
    };
    const over = await untilOver();
    assert.deepEqual(new Set(over.map(({ endedBy }) => endedBy)), new Set(['caller']));
    assert.deepEqual(
      over.flatMap((one) => notes(one, 'media_lost')),
      [],
    );
    assert.deepEqual([caller.invites.length, bot.invites.length], [legs / 2, count + legs / 2]);
  });

  it('a hand-over survives it: while the phone rings the caller has music, and the person is told at the answer', async () => {
    let ringing: Incoming | null = null;
    await party(node.botPort, BOT);
    const caller = await party(0, CALLER);
    const agent = await party(node.agentPort, AGENT, (invite) => {
      ringing = invite;
      invite.respond('180 Ringing');
    });
    await call(caller, NUMBERS.bridged);
    await caller.hears(BOT);
    caller.peer.request(
      callId,
      'INFO',
      ['Content-Type: application/dtmf-relay'],
      'Signal=0\r\nDuration=160\r\n',
    );
    await agent.invited(1);
    await kill();
    const killedAt = performance.now();
    await caller.invited(1);
    ringing!.respond('200 OK', true);
    await agent.invited(2);
    await caller.hears(AGENT, killedAt);
    await agent.hears(CALLER, killedAt);
    const view = await node.newestCall((one) => one.transfers[0]?.result?.outcome === 'completed');
    assert.equal(view.state, 'with_agent');
    caller.peer.request(callId, 'BYE');
    await node.newestCall((one) => one.endedAt !== null);
  });

  it('in early media: nobody is asked before the answer, then both are told, and hear each other', async () => {
    let ringing: Incoming | null = null;
    const bot = await party(node.botPort, BOT, (invite) => {
      ringing = invite;
      invite.respond('183 Session Progress', true);
    });
    const caller = await party(0, CALLER);
    const mark = `moved${calls++}`;
    callId = `${mark}@soak`;
    const answered = caller.peer.call(NUMBERS.basic, mark);
    await caller.hears(BOT);
    await kill();
    const killedAt = performance.now();
    await bot.invited(1);
    ringing!.respond('200 OK', true);
    assert.equal(await answered, 200);
    const [toCaller, toBot] = [await caller.invited(1), await bot.invited(2)];
    assert.notEqual(audio(toCaller.text), audio(caller.peer.answerOf(callId)));
    assert.notEqual(audio(toBot.text), audio(bot.invites[0]!.text));
    await caller.hears(BOT, killedAt);
    await bot.hears(CALLER, killedAt);
    caller.peer.request(callId, 'BYE');
    const over = await node.newestCall((one) => one.endedAt !== null);
    assert.equal(over.endedBy, 'caller');
    assert.equal(notes(over, 'media_moved').length, 2);
  });

  it('while a peer has not answered a re-INVITE: its late answer counts, and it is told once more', async () => {
    const bot = await party(node.botPort, BOT);
    const caller = await party(0, CALLER);
    await call(caller, NUMBERS.basic);
    await caller.hears(BOT);
    await bot.hears(CALLER);
    caller.answersReInvites = false;
    await kill();
    const pending = await caller.invited(1);
    await bot.invited(2);
    await bothUp();
    await kill();
    const killedAt = performance.now();
    // The offer that the caller answers names ports of the second worker, which is gone as well.
    await bot.invited(3);
    caller.answersReInvites = true;
    pending.respond('200 OK', true);
    const again = await caller.invited(2);
    assert.notEqual(audio(again.text), audio(pending.text));
    assert.equal(origin(again.text), origin(pending.text) + 1);
    await caller.hears(BOT, killedAt);
    await bot.hears(CALLER, killedAt);
    caller.peer.request(callId, 'BYE');
    assert.equal((await node.newestCall((one) => one.endedAt !== null)).endedBy, 'caller');
  });

  it('while no worker runs: an offer of the peer is answered with the new ports, and it is not asked besides', async () => {
    const bot = await party(node.botPort, BOT);
    const caller = await party(0, CALLER);
    await call(caller, NUMBERS.basic);
    await caller.hears(BOT);
    await bot.hears(CALLER);
    const before = caller.peer.answerOf(callId);
    await bothUp();
    await Promise.all(threads.splice(0).map((workers) => workers.kill!()));
    const killedAt = performance.now();
    while (!/"media-0":"restarting".*"media-1":"restarting"/.test(await (await node.api('/healthz')).text()))
      await new Promise((resolve) => setTimeout(resolve, 5));
    const body = peerSdp(caller.peer.port).replace('o=bench 1 1', 'o=bench 1 2');
    caller.peer.request(callId, 'INVITE', ['Content-Type: application/sdp'], body);
    await bot.invited(2);
    while (caller.peer.answerOf(callId) === before) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.notEqual(audio(caller.peer.answerOf(callId)), audio(before));
    await caller.hears(BOT, killedAt);
    caller.follow(caller.peer.answerOf(callId));
    await bot.hears(CALLER, killedAt);
    caller.peer.request(callId, 'BYE');
    assert.equal((await node.newestCall((one) => one.endedAt !== null)).endedBy, 'caller');
    assert.deepEqual([caller.invites.length, bot.invites.length], [0, 2]);
  });
});
