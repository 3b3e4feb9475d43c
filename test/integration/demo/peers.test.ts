import assert from 'node:assert/strict';
import { startSipBot } from '../../../examples/sip-bot/sip-bot.js';
import { Agent } from '../../../src/demo/agent.js';
import { Caller } from '../../../src/demo/caller.js';
import { startDemoPeers } from '../../../src/demo/demo-peers.js';
import { Voicebot } from '../../../src/demo/voicebot.js';

describe('the peers of a demonstration', () => {
  const open: { close(): Promise<void> }[] = [];
  const owned = <T extends { close(): Promise<void> }>(peer: T): T => {
    open.push(peer);
    return peer;
  };

  afterEach(async () => {
    await Promise.all(open.splice(0).map((peer) => peer.close()));
  });

  it('a voicebot, an agent who answers and one who is busy can be called over TCP', async () => {
    const peers = owned(await startDemoPeers({ agentRingMs: 100 }));
    const caller = owned(await Caller.start({ toneHz: 620 }));
    const toBot = await caller.call(peers.botUri);
    await toBot.hearing.hears(780, { withinMs: 3000 });
    const busy = caller.userAgent.call(peers.agentUris[1]);
    assert.equal((await busy.ended).status, 486);
    const toAgent = await caller.call(peers.agentUris[0]);
    await toAgent.hearing.hears(880, { withinMs: 3000 });
    await peers.close();
    assert.equal((await toBot.ended).by, 'remote');
  });

  it('frees what it had opened where a port is taken', async () => {
    const first = owned(await startDemoPeers());
    const port = first.voicebot.userAgent.port;
    await assert.rejects(startDemoPeers({ agentPort: port }), /cannot listen on TCP/);
  });

  it('the voicebot asks for a person by REFER, by its intent, and by turns that it did not understand', async () => {
    const bot = owned(await Voicebot.start({ toneHz: 440, person: 'front-desk' }));
    const caller = owned(await Caller.start({ toneHz: 620, refer: { kind: 'reject', status: 603 } }));
    const call = await caller.call(bot.uri);
    const referred = new Promise<string>((resolve) => call.once('refer', resolve));
    await call.press('1');
    assert.equal(await referred, 'sip:front-desk@relevo.invalid');
    await call.press('2');
    assert.deepEqual(JSON.parse((await call.receivesInfo(1, 1000)).body), {
      event: 'turn',
      intent: 'agent',
      confidence: 0.9,
    });
    await call.press('3');
    await call.receivesInfo(4, 1000);
    assert.deepEqual(
      call.infos.slice(1).map(({ body }) => (JSON.parse(body) as { confidence: number }).confidence),
      [0.1, 0.1, 0.1],
    );
    assert.deepEqual(bot.problems, []);
  });

  it('an agent presses the digit that takes the call', async () => {
    const agent = owned(await Agent.start({ toneHz: 880, accept: { digit: '1', afterMs: 50 } }));
    const caller = owned(await Caller.start({ toneHz: 620 }));
    const call = await caller.call(agent.uri);
    assert.equal(await call.receivesDigits(1, 2000), '1');
    assert.deepEqual(agent.problems, []);
  });

  it('the example bot answers, is heard, and asks by REFER and by INFO', async () => {
    const lines: string[] = [];
    const bot = owned(await startSipBot(0, (line) => lines.push(line)));
    const caller = owned(await Caller.start({ toneHz: 620, refer: { kind: 'reject', status: 603 } }));
    const call = await caller.call(bot.uri);
    await call.hearing.hears(520, { withinMs: 2000 });
    const referred = new Promise<string>((resolve) => call.once('refer', resolve));
    await call.press('1');
    assert.match(await referred, /^sip:front-desk@/);
    await call.press('2');
    const info = await call.receivesInfo(1, 1000);
    assert.equal((JSON.parse(info.body) as { intent: string }).intent, 'agent');
    await call.hangUp();
    assert.ok(lines.includes('REFER answered 603'), lines.join('\n'));
  });
});
