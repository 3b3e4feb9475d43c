import assert from 'node:assert/strict';
import { header, status } from '../../conformance/drachtio/support/sip-text.js';
import { HostileNode, LEVEL, type LogLine } from './support/hostile-node.js';
import { answerTo, BOT_TAG, establish, hangUp, Peer, requestOf, type Talk } from './support/talk.js';

/** RFC 3261 13.3.1.4: 64*T1. */
const ACK_WAIT_MS = 32_000;

describe('Bots and callers that fail while another call is up', function () {
  this.timeout(90_000);
  let node: HostileNode;
  let bot: Peer;
  let caller: Peer;
  let vanishing: Peer;
  let bystander: Talk;

  before(async () => {
    node = await HostileNode.start({
      bot: 'answer_timeout: 2s, media_timeout: 1s',
      project: 'caller_media_timeout: 2s',
    });
    bot = await Peer.open(node, node.botPort);
    bystander = await establish(node, await Peer.open(node), bot, { talking: true });
  });

  beforeEach(async () => {
    caller = await Peer.open(node);
  });

  afterEach(() => {
    caller.close();
  });

  after(async () => {
    await hangUp(bystander);
    const { endedBy } = await node.call(bystander.sipCallId, (call) => call.endedAt !== null);
    bystander.caller.close();
    bot.close();
    await node.close();
    assert.equal(endedBy, 'caller', 'the call in progress was untouched');
  });

  const invite = (): string => {
    const message = caller.ua.request('INVITE', [], caller.sdp, `sip:1000@127.0.0.1:${node.sipPort}`);
    caller.ua.send(message);
    return message;
  };

  /** How many times the log tells of it; the log of another thread may lag behind the API. */
  const troubles = async (callId: string, code: string): Promise<number> => {
    const tells = (line: LogLine): boolean =>
      line['callId'] === callId && line.code === code && line.level === LEVEL.warn;
    await node.logged(tells);
    return node.log.filter(tells).length;
  };

  it('starts a call whose caller never sends ACK; its end is looked at below', async () => {
    vanishing = await Peer.open(node);
    const { answer, botInvite } = await establish(node, vanishing, bot, { ack: false });
    assert.ok(answer && botInvite);
  });

  it('tells the carrier 503 where the bot answers 5xx, and says why once in the log', async () => {
    const asked = invite();
    const botInvite = await bot.invited();
    bot.ua.send(bot.ua.response(botInvite, 500, 'Bot crashed'));
    const answer = await answerTo(caller, asked);
    assert.equal(status(answer), 503);
    assert.match(header(answer, 'Reason'), /cause=500/);
    const { callId, cause } = await node.call(header(asked, 'Call-ID'), (call) => call.endedAt !== null);
    assert.match(cause ?? '', /bot_failed: 500/);
    assert.equal(await troubles(callId, 'bot_failed'), 1);
  });

  it('cancels a bot that rings for ever, after answer_timeout', async () => {
    const asked = invite();
    const botInvite = await bot.invited();
    bot.ua.send(bot.ua.response(botInvite, 180, 'Ringing', BOT_TAG));
    await caller.ua.nextResponse(180, 'INVITE');
    const cancel = await requestOf(bot, 'CANCEL', header(botInvite, 'Call-ID'));
    assert.match(header(cancel, 'Reason'), /cause=408/);
    bot.ua.send(bot.ua.response(cancel, 200, 'OK', BOT_TAG));
    bot.ua.send(bot.ua.response(botInvite, 487, 'Request Terminated', BOT_TAG));
    assert.equal(status(await answerTo(caller, asked)), 503);
    const { callId } = await node.call(header(asked, 'Call-ID'), (call) => call.endedAt !== null);
    assert.equal(await troubles(callId, 'bot_failed'), 1);
  });

  it('ends the call of a bot that says nothing at all after answer_timeout', async () => {
    const asked = invite();
    await bot.invited();
    const answer = await answerTo(caller, asked);
    assert.equal(status(answer), 503);
  });

  it('acknowledges and ends a bot that answers after it was given up', async () => {
    const asked = invite();
    const botInvite = await bot.invited();
    await answerTo(caller, asked);
    bot.ua.send(bot.ua.response(botInvite, 200, 'OK', BOT_TAG, [], bot.sdp));
    await requestOf(bot, 'ACK', header(botInvite, 'Call-ID'));
    const bye = await requestOf(bot, 'BYE', header(botInvite, 'Call-ID'));
    bot.ua.send(bot.ua.response(bye, 200, 'OK', BOT_TAG));
    await node.call(header(asked, 'Call-ID'), (call) => call.endedAt !== null);
  });

  it('fails the call whose bot sends no RTP any more, after its media_timeout', async () => {
    const talk = await establish(node, caller, bot, { talking: true });
    await caller.phone.hears(20);
    bot.shutUp(talk.botInvite);
    const botBye = await requestOf(bot, 'BYE', header(talk.botInvite, 'Call-ID'));
    bot.ua.send(bot.ua.response(botBye, 200, 'OK', BOT_TAG));
    assert.match(header(botBye, 'Reason'), /cause=408/);
    const bye = await requestOf(caller, 'BYE', talk.sipCallId);
    caller.ua.send(caller.ua.response(bye, 200, 'OK'));
    const { callId, cause } = await node.call(talk.sipCallId, (call) => call.endedAt !== null);
    assert.match(cause ?? '', /no media from the bot/);
    assert.equal(await troubles(callId, 'media_timeout'), 1);
  });

  it('ends the call whose caller sends no RTP any more, after caller_media_timeout', async () => {
    const talk = await establish(node, caller, bot, { talking: true });
    await bot.phone.hears(20);
    caller.shutUp();
    const botBye = await requestOf(bot, 'BYE', header(talk.botInvite, 'Call-ID'));
    bot.ua.send(bot.ua.response(botBye, 200, 'OK', BOT_TAG));
    bot.shutUp(talk.botInvite);
    const bye = await requestOf(caller, 'BYE', talk.sipCallId);
    caller.ua.send(caller.ua.response(bye, 200, 'OK'));
    const { endedBy, cause } = await node.call(talk.sipCallId, (call) => call.endedAt !== null);
    assert.deepEqual([endedBy, cause], ['relevo', 'caller_media_timeout']);
  });

  for (const code of [481, 408]) {
    it(`takes ${code} to an INFO of ours for the end of that dialog (RFC 5057)`, async () => {
      const talk = await establish(node, caller, bot, { talking: true });
      const info = bot.ua.inDialogAsUas(
        'INFO',
        5,
        talk.botInvite,
        BOT_TAG,
        ['Content-Type: text/plain'],
        'hi',
      );
      bot.ua.send(info);
      const relayed = await requestOf(caller, 'INFO', talk.sipCallId);
      caller.ua.send(caller.ua.response(relayed, code, 'Gone'));
      assert.equal(status(await answerTo(bot, info)), code);
      const bye = await requestOf(bot, 'BYE', header(talk.botInvite, 'Call-ID'));
      bot.ua.send(bot.ua.response(bye, 200, 'OK', BOT_TAG));
      bot.shutUp(talk.botInvite);
      // The dialog may be unknown there, yet a BYE makes sure of it.
      const callerBye = await requestOf(caller, 'BYE', talk.sipCallId);
      caller.ua.send(caller.ua.response(callerBye, 481, 'Gone'));
      const { endedBy } = await node.call(talk.sipCallId, (call) => call.endedAt !== null);
      assert.equal(endedBy, 'caller');
    });
  }

  it('takes 481 to a re-INVITE of ours for the end of that dialog (RFC 5057)', async () => {
    const talk = await establish(node, caller, bot, { talking: true });
    const held = bot.sdp.replace('m=audio', 'a=sendonly\r\nm=audio');
    const type = ['Content-Type: application/sdp'];
    const hold = bot.ua.inDialogAsUas('INVITE', 5, talk.botInvite, BOT_TAG, type, held);
    bot.ua.send(hold);
    const reinvite = await requestOf(caller, 'INVITE', talk.sipCallId);
    caller.ua.send(caller.ua.response(reinvite, 481, 'Gone'));
    await answerTo(bot, hold);
    bot.ua.send(bot.ua.inDialogAsUas('ACK', 5, talk.botInvite, BOT_TAG));
    const bye = await requestOf(bot, 'BYE', header(talk.botInvite, 'Call-ID'));
    bot.ua.send(bot.ua.response(bye, 200, 'OK', BOT_TAG));
    bot.shutUp(talk.botInvite);
    const callerBye = await requestOf(caller, 'BYE', talk.sipCallId);
    caller.ua.send(caller.ua.response(callerBye, 481, 'Gone'));
    const { endedBy } = await node.call(talk.sipCallId, (call) => call.endedAt !== null);
    assert.equal(endedBy, 'caller');
  });

  it('goes on taking calls after all that', async () => {
    await hangUp(await establish(node, caller, bot));
  });

  it('ends the call whose caller never sent ACK with a BYE after 64*T1', async () => {
    const bye = await vanishing.ua.nextRequest('BYE', ACK_WAIT_MS + 15_000);
    vanishing.ua.send(vanishing.ua.response(bye, 200, 'OK'));
    await node.call(header(bye, 'Call-ID'), (call) => call.endedAt !== null);
    const repeated = vanishing.ua.count((message) => message.startsWith('SIP/2.0 200'));
    assert.ok(repeated >= 5, `the 200 was repeated: ${repeated}`);
    vanishing.close();
  });
});
