import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { header, status } from '../../conformance/drachtio/support/sip-text.js';
import { Phone } from '../media/phone.js';
import { HostileNode, LEVEL } from './support/hostile-node.js';
import { answerTo, establish, hangUp, Peer, requestOf, rtpPort, type Talk } from './support/talk.js';

const RTP = 'relevo_rtp_packets_total';

describe('Hostile SDP and RTP while another call is up', function () {
  this.timeout(60_000);
  let node: HostileNode;
  let bot: Peer;
  let caller: Peer;
  let rude: Peer;
  let talk: Talk;

  before(async () => {
    // RTP ports for two calls: a third finds none.
    node = await HostileNode.start({ rtpPorts: 8 });
    bot = await Peer.open(node, node.botPort);
    caller = await Peer.open(node);
    rude = await Peer.open(node);
    talk = await establish(node, caller, bot, { talking: true });
  });

  after(async () => {
    await hangUp(talk);
    const { endedBy } = await node.call(talk.sipCallId, (call) => call.endedAt !== null);
    for (const peer of [bot, caller, rude]) peer.close();
    await node.close();
    assert.equal(endedBy, 'caller', 'the call in progress was untouched');
  });

  for (const [what, sdp] of [
    ['noise', '\u0001\u0002 no sdp at all'],
    ['no media line', 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n'],
    [
      'no codec of ours',
      'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 98\r\na=rtpmap:98 EVS/16000\r\n',
    ],
    [
      'no connection address',
      'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n',
    ],
    [
      'a port that is none',
      'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 99999 RTP/AVP 8\r\n',
    ],
    [
      'video alone',
      'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 4000 RTP/AVP 96\r\n',
    ],
  ] as const) {
    it(`refuses an offer with ${what} with 400 or 488 and tells the bot nothing of it`, async () => {
      const invite = rude.ua.request('INVITE', [], sdp, `sip:1000@127.0.0.1:${node.sipPort}`);
      rude.ua.send(invite);
      const answer = await answerTo(rude, invite);
      assert.ok([400, 488].includes(status(answer)), answer);
      rude.ua.send(rude.ua.sameHop('ACK', invite, header(answer, 'To')));
      const call = await node.call(header(invite, 'Call-ID'), ({ endedAt }) => endedAt !== null);
      assert.equal(call.sipStatus, status(answer));
      await node.logged(({ msg, callId }) => callId === call.callId && msg === 'call ended');
    });
  }

  it('refuses a malformed offer inside a dialog and keeps the call', async () => {
    const reinvite = caller.ua.inDialog(
      'INVITE',
      5,
      talk.answer,
      ['Content-Type: application/sdp'],
      'v=0\r\nm=\r\n',
    );
    caller.ua.send(reinvite);
    const answer = await answerTo(caller, reinvite);
    assert.ok([400, 488].includes(status(answer)), answer);
    caller.ua.send(caller.ua.sameHop('ACK', reinvite, header(answer, 'To')));
    assert.equal((await node.call(talk.sipCallId)).state, 'with_bot');
  });

  it('ends a call whose bot answers with SDP that nobody can read', async () => {
    const invite = rude.ua.request('INVITE', [], rude.sdp, `sip:1000@127.0.0.1:${node.sipPort}`);
    rude.ua.send(invite);
    const botInvite = await bot.invited();
    bot.ua.send(bot.ua.response(botInvite, 200, 'OK', 'badsdp', [], 'v=0\r\nnonsense\r\n'));
    const bye = await requestOf(bot, 'BYE', header(botInvite, 'Call-ID'));
    bot.ua.send(bot.ua.response(bye, 200, 'OK', 'badsdp'));
    const answer = await answerTo(rude, invite);
    assert.ok(status(answer) >= 400, answer);
    rude.ua.send(rude.ua.sameHop('ACK', invite, header(answer, 'To')));
  });

  it('drops malformed RTP and the RTP of a stranger, counts it, and relays the parties on', async () => {
    const port = rtpPort(talk.answer);
    await caller.phone.hears(10);
    await bot.phone.hears(10);
    const before = await node.metric(RTP, 'kind="rejected"', () => true);
    for (const bad of [Buffer.alloc(0), Buffer.from([0x80]), randomBytes(11), Buffer.alloc(1400, 0xff)])
      caller.phone.socket.send(bad, port, '127.0.0.1');
    const stranger = await Phone.open(0xbad);
    for (let packet = 0; packet < 20; packet++) stranger.say(port, Buffer.alloc(160, 0x11), 8);
    await node.metric(RTP, 'kind="rejected"', (value) => value >= before + 22);
    const heard = bot.phone.heard.length;
    await bot.phone.hears(heard + 50);
    const fromStranger = bot.phone.heard.filter(({ payload }) => payload[0] === 0x11);
    assert.equal(fromStranger.length, 0, 'nothing of the stranger reached the bot');
    stranger.close();
    assert.ok(
      node.log.filter(({ thread, level }) => thread.startsWith('media') && level >= LEVEL.warn).length <= 2,
    );
  });

  it('answers 503 when no RTP port is left, and takes calls again once some are free', async () => {
    const second = await establish(node, rude, bot);
    const third = await Peer.open(node);
    const refused = async (): Promise<string> => {
      const invite = third.ua.request('INVITE', [], third.sdp, `sip:1000@127.0.0.1:${node.sipPort}`);
      third.ua.send(invite);
      const answer = await answerTo(third, invite);
      third.ua.send(third.ua.sameHop('ACK', invite, header(answer, 'To')));
      return answer;
    };
    for (let time = 0; time < 3; time++) assert.equal(status(await refused()), 503);
    await hangUp(second);
    await node.call(second.sipCallId, (call) => call.endedAt !== null);
    // RTP ports rest for a moment before they are used again.
    const fourth = await establishSoon(third);
    await hangUp(fourth);
    third.close();
  });

  /** Calls until there is a port for it. */
  const establishSoon = async (peer: Peer): Promise<Talk> => {
    for (let time = 0; time < 40; time++) {
      const invite = peer.ua.request('INVITE', [], peer.sdp, `sip:1000@127.0.0.1:${node.sipPort}`);
      peer.ua.send(invite);
      const winner = await Promise.race([
        bot.invited().then((botInvite) => ({ botInvite })),
        answerTo(peer, invite).then((refusal) => ({ refusal })),
      ]);
      if ('botInvite' in winner) {
        bot.ua.send(bot.ua.response(winner.botInvite, 200, 'OK', 'bottag', [], bot.sdp));
        const answer = await answerTo(peer, invite);
        peer.ua.send(peer.ua.inDialog('ACK', 1, answer));
        return {
          caller: peer,
          bot,
          sipCallId: header(invite, 'Call-ID'),
          answer,
          botInvite: winner.botInvite,
        };
      }
      peer.ua.send(peer.ua.sameHop('ACK', invite, header(winner.refusal, 'To')));
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    throw new Error('no RTP port came free');
  };
});
