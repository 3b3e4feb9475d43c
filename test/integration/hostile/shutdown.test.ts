import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { method } from '../../conformance/drachtio/support/sip-text.js';
import { HostileNode, LEVEL } from './support/hostile-node.js';
import { establish, Peer } from './support/talk.js';

/** More than the second that a node gives its peers, less than any SIP timer of theirs. */
const PATIENCE_MS = 4_000;

describe('Closing a node whose peers do not answer', function () {
  this.timeout(60_000);

  const failures = (node: HostileNode): unknown[] => node.log.filter(({ level }) => level >= LEVEL.error);

  it('waits for no bot that is unreachable, and logs the end of the call as no failure', async () => {
    const node = await HostileNode.start();
    const caller = await Peer.open(node);
    caller.ua.send(caller.ua.request('INVITE', [], caller.sdp, `sip:1000@127.0.0.1:${node.sipPort}`));
    await node.logged(({ msg }) => msg === 'call started');
    const tookMs = await node.close();
    const refused = await caller.ua.nextResponse(480, 'INVITE').catch(() => null);
    assert.ok(tookMs < PATIENCE_MS, `closing took ${tookMs} ms`);
    assert.ok(refused ?? caller.ua.seen.some((message) => /^SIP\/2\.0 [45]/.test(message)));
    assert.deepEqual(failures(node), []);
    const ended = node.log.filter(({ msg }) => msg === 'call ended');
    assert.deepEqual(
      ended.map(({ cause, level }) => [cause, level]),
      [['shutdown', LEVEL.info]],
    );
    caller.close();
  });

  it('sends BYE to both sides of a call whose peers are silent, and does not wait for their answers', async () => {
    const node = await HostileNode.start();
    const bot = await Peer.open(node, node.botPort);
    const caller = await Peer.open(node);
    await establish(node, caller, bot);
    const tookMs = await node.close();
    assert.ok(tookMs < PATIENCE_MS, `closing took ${tookMs} ms`);
    for (const peer of [bot, caller]) assert.ok(peer.ua.count((message) => method(message) === 'BYE') > 0);
    assert.deepEqual(failures(node), []);
    bot.close();
    caller.close();
  });

  it('cancels a bot that rings', async () => {
    const node = await HostileNode.start();
    const bot = await Peer.open(node, node.botPort);
    const caller = await Peer.open(node);
    caller.ua.send(caller.ua.request('INVITE', [], caller.sdp, `sip:1000@127.0.0.1:${node.sipPort}`));
    const invite = await bot.invited();
    bot.ua.send(bot.ua.response(invite, 180, 'Ringing', 'ringing'));
    await caller.ua.nextResponse(180, 'INVITE');
    const tookMs = await node.close();
    assert.ok(tookMs < PATIENCE_MS, `closing took ${tookMs} ms`);
    assert.ok(bot.ua.count((message) => method(message) === 'CANCEL') > 0);
    assert.deepEqual(failures(node), []);
    bot.close();
    caller.close();
  });
});

describe('A bot whose UDP port is closed', function () {
  this.timeout(60_000);

  it('fails the call with 503 when answer_timeout is over', async () => {
    const gone = createSocket('udp4');
    gone.bind(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address();
    gone.close();
    const node = await HostileNode.start({ botUri: `sip:bot@127.0.0.1:${port}`, bot: 'answer_timeout: 2s' });
    const caller = await Peer.open(node);
    caller.ua.send(caller.ua.request('INVITE', [], caller.sdp, `sip:1000@127.0.0.1:${node.sipPort}`));
    await caller.ua.nextResponse(503, 'INVITE', 15_000);
    caller.close();
    await node.close();
  });
});
