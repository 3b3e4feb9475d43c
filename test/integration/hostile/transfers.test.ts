import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { header, status } from '../../conformance/drachtio/support/sip-text.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { HostileNode } from './support/hostile-node.js';
import { answerTo, BOT_TAG, establish, hangUp, Peer, requestOf, type Talk } from './support/talk.js';

const AGENT_TAG = 'agenttag';

const outcomeOf = (call: CallView): string | undefined => call.transfers.at(-1)?.result?.outcome;
const decided = (call: CallView): boolean => outcomeOf(call) !== undefined;

describe('Transfers with peers that fail', function () {
  this.timeout(60_000);
  const open: { close(): unknown }[] = [];
  let node: HostileNode;
  let bot: Peer;
  let caller: Peer;

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const start = async (options: Parameters<typeof HostileNode.start>[0] = {}): Promise<Talk> => {
    node = await HostileNode.start(options);
    open.push(node);
    bot = await Peer.open(node, node.botPort);
    caller = await Peer.open(node);
    open.push(bot, caller);
    return establish(node, caller, bot, { talking: true });
  };

  const REFER =
    'to: agent, method: refer, timers: { refer_reply: 1s, first_notify: 2s, total: 20s, bye_grace: 1s }';

  const referred = async (): Promise<{ talk: Talk; refer: string }> => {
    const talk = await start({ transfer: REFER });
    const { callId } = await node.call(talk.sipCallId);
    assert.equal(await node.transfer(callId), 202);
    return { talk, refer: await requestOf(caller, 'REFER', talk.sipCallId) };
  };

  const sipfrag = (talk: Talk, cseq: number, line: string, state: string): string =>
    caller.ua.inDialog(
      'NOTIFY',
      cseq,
      talk.answer,
      ['Event: refer', `Subscription-State: ${state}`, 'Content-Type: message/sipfrag;version=2.0'],
      `${line}\r\n`,
    );

  it('gives a REFER that is never answered up after refer_reply; the call stays with the bot', async () => {
    const { talk } = await referred();
    const call = await node.call(talk.sipCallId, decided);
    assert.equal(outcomeOf(call), 'refer_rejected');
    assert.equal((await node.call(talk.sipCallId)).state, 'with_bot');
    await hangUp(talk);
  });

  it('ends the call by a BYE of the caller while our REFER is unanswered', async () => {
    const { talk } = await referred();
    await hangUp(talk, 9);
    const call = await node.call(talk.sipCallId, (one) => one.endedAt !== null);
    assert.deepEqual([call.endedBy, outcomeOf(call)], ['caller', 'caller_gone']);
  });

  it('takes the NOTIFY that a BYE overtook for the outcome, and refuses later ones with 481', async () => {
    const { talk, refer } = await referred();
    caller.ua.send(caller.ua.response(refer, 202, 'Accepted'));
    await hangUp(talk, 9);
    const notify = sipfrag(talk, 10, 'SIP/2.0 200 OK', 'terminated;reason=noresource');
    caller.ua.send(notify);
    assert.equal(status(await answerTo(caller, notify)), 200);
    const call = await node.call(talk.sipCallId, (one) => one.endedAt !== null);
    assert.equal(outcomeOf(call), 'completed');
    const late = sipfrag(talk, 11, 'SIP/2.0 200 OK', 'terminated;reason=noresource');
    caller.ua.send(late);
    assert.equal(status(await answerTo(caller, late)), 481);
  });

  it('refuses a NOTIFY after the BYE of a call without any REFER', async () => {
    const talk = await start();
    await hangUp(talk);
    const notify = sipfrag(talk, 30, 'SIP/2.0 200 OK', 'terminated;reason=noresource');
    caller.ua.send(notify);
    assert.equal(status(await answerTo(caller, notify)), 481);
  });

  it('lets the caller hang up where the agent answered and vanished', async () => {
    const talk = await start();
    const agent = await Peer.open(node, node.agentPort);
    open.push(agent);
    const { callId } = await node.call(talk.sipCallId);
    await node.transfer(callId);
    const invite = await agent.invited();
    agent.ua.send(agent.ua.response(invite, 200, 'OK', AGENT_TAG, [], agent.sdp));
    const botBye = await requestOf(bot, 'BYE', header(talk.botInvite, 'Call-ID'));
    bot.ua.send(bot.ua.response(botBye, 200, 'OK', BOT_TAG));
    assert.equal(outcomeOf(await node.call(talk.sipCallId, decided)), 'completed');
    agent.close();
    open.splice(open.indexOf(agent), 1);
    const bye = caller.ua.inDialog('BYE', 9, talk.answer);
    caller.ua.send(bye);
    assert.equal(status(await answerTo(caller, bye)), 200);
    await node.call(talk.sipCallId, (one) => one.state === 'ending' || one.state === 'ended');
    const other = await Peer.open(node);
    open.push(other);
    await hangUp(await establish(node, other, bot));
  });

  it('goes on to the next host of a trunk within seconds where the first says nothing', async () => {
    const silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    open.push(silent);
    const agentSocket = createSocket('udp4');
    agentSocket.bind(0, '127.0.0.1');
    await once(agentSocket, 'listening');
    const { port } = agentSocket.address();
    agentSocket.close();
    const talk = await start({
      agentHosts: [`sip:127.0.0.1:${silent.address().port}`, `sip:127.0.0.1:${port}`],
    });
    const agent = await Peer.open(node, port);
    open.push(agent);
    const { callId } = await node.call(talk.sipCallId);
    await node.transfer(callId);
    const invite = await agent.invited();
    assert.doesNotMatch(invite, /relevo-silent-ms/);
    agent.ua.send(agent.ua.response(invite, 200, 'OK', AGENT_TAG, [], agent.sdp));
    const botBye = await requestOf(bot, 'BYE', header(talk.botInvite, 'Call-ID'));
    bot.ua.send(bot.ua.response(botBye, 200, 'OK', BOT_TAG));
    assert.equal(outcomeOf(await node.call(talk.sipCallId, decided)), 'completed');
  });

  it('acknowledges and ends a first host that wakes up after the second was tried', async () => {
    const talk = await start({ agentHosts: ['sip:127.0.0.1:15901', 'sip:127.0.0.1:15903'] });
    const sleepy = await Peer.open(node, 15_901);
    const second = await Peer.open(node, 15_903);
    open.push(sleepy, second);
    const { callId } = await node.call(talk.sipCallId);
    await node.transfer(callId);
    const first = await sleepy.invited();
    const invite = await second.invited();
    sleepy.ua.send(sleepy.ua.response(first, 200, 'OK', 'sleepy', [], sleepy.sdp));
    await requestOf(sleepy, 'ACK', header(first, 'Call-ID'));
    const bye = await requestOf(sleepy, 'BYE', header(first, 'Call-ID'));
    sleepy.ua.send(sleepy.ua.response(bye, 200, 'OK', 'sleepy'));
    second.ua.send(second.ua.response(invite, 200, 'OK', AGENT_TAG, [], second.sdp));
    const botBye = await requestOf(bot, 'BYE', header(talk.botInvite, 'Call-ID'));
    bot.ua.send(bot.ua.response(botBye, 200, 'OK', BOT_TAG));
    assert.equal(outcomeOf(await node.call(talk.sipCallId, decided)), 'completed');
  });
});
