import assert from 'node:assert/strict';
import type { RawUa } from '../../conformance/drachtio/support/raw-ua.js';
import { body, header, headers, SDP, startLine, tag } from '../../conformance/drachtio/support/sip-text.js';
import { SignallingFixture } from './support/signalling-fixture.js';

const ANSWER = SDP.replace('20000', '30000');
const REOFFER = SDP.replace('sendrecv', 'sendonly');

describe('signalling thread over the embedded engine', () => {
  let fixture: SignallingFixture;
  let caller: RawUa;
  let bot: RawUa;

  beforeEach(async () => {
    fixture = await SignallingFixture.start();
    ({ caller, bot } = fixture);
  });
  afterEach(() => fixture.close());

  /** A call in progress: what the caller got, and what the bot got. */
  async function established(): Promise<{ ok: string; inviteBot: string }> {
    caller.send(caller.invite());
    const inviteBot = await bot.nextRequest('INVITE');
    bot.send(bot.response(inviteBot, 200, 'OK', 'btag', [], ANSWER));
    const ok = await caller.nextResponse(200, 'INVITE');
    caller.send(caller.inDialog('ACK', 1, ok));
    await bot.nextRequest('ACK');
    return { ok, inviteBot };
  }

  async function hangUp(ok: string, cseq: number): Promise<void> {
    caller.send(caller.inDialog('BYE', cseq, ok));
    await caller.nextResponse(200, 'BYE');
    const bye = await bot.nextRequest('BYE');
    bot.send(bot.response(bye, 200, 'OK'));
    await fixture.idle();
  }

  it('carries INVITE, 180, 200, ACK and BYE, with From of the caller and headers as they are spelled', async () => {
    caller.send(caller.invite(['P-Asserted-Identity: "Ann \\"A\\"" <sip:+4930123@carrier.example>']));
    const invite = await bot.nextRequest('INVITE');
    assert.match(header(invite, 'From'), /^"Ann \\"A\\"" <sip:\+4930123@127\.0\.0\.1:\d+>;tag=/);
    assert.match(invite, /^User-to-User: 56;encoding=hex\r$/m);
    assert.equal(body(invite), SDP);
    bot.send(bot.response(invite, 180, 'Ringing'));
    await caller.nextResponse(180, 'INVITE');
    bot.send(bot.response(invite, 200, 'OK', 'btag', [], ANSWER));
    const ok = await caller.nextResponse(200, 'INVITE');
    assert.equal(body(ok), ANSWER);
    assert.deepEqual(headers(ok, 'X-Answered'), ['yes']);
    const ack = await bot.nextRequest('ACK');
    assert.equal(tag(header(ack, 'To')), 'btag');
    caller.send(caller.inDialog('ACK', 1, ok));
    await hangUp(ok, 2);
  });

  it('passes the BYE of the bot on to the caller', async () => {
    const { inviteBot } = await established();
    bot.send(bot.inDialogAsUas('BYE', 1, inviteBot, 'btag'));
    await bot.nextResponse(200, 'BYE');
    const bye = await caller.nextRequest('BYE');
    caller.send(caller.response(bye, 200, 'OK'));
    await fixture.idle();
  });

  it('turns the CANCEL of the caller into a CANCEL with Reason to the bot', async () => {
    const invite = caller.invite();
    caller.send(invite);
    const inviteBot = await bot.nextRequest('INVITE');
    bot.send(bot.response(inviteBot, 180, 'Ringing'));
    await caller.nextResponse(180, 'INVITE');
    caller.send(caller.sameHop('CANCEL', invite));
    await caller.nextResponse(487, 'INVITE');
    const cancel = await bot.nextRequest('CANCEL');
    assert.equal(header(cancel, 'Reason'), 'SIP;cause=487;text="Gone"');
    bot.send(bot.response(cancel, 200, 'OK'));
    bot.send(bot.response(inviteBot, 487, 'Request Terminated'));
    await fixture.idle();
  });

  it('ends a 200 that crossed its CANCEL with ACK and BYE', async () => {
    const invite = caller.invite();
    caller.send(invite);
    const inviteBot = await bot.nextRequest('INVITE');
    bot.send(bot.response(inviteBot, 180, 'Ringing'));
    await caller.nextResponse(180, 'INVITE');
    caller.send(caller.sameHop('CANCEL', invite));
    const cancel = await bot.nextRequest('CANCEL');
    bot.send(bot.response(inviteBot, 200, 'OK', 'btag', [], ANSWER));
    bot.send(bot.response(cancel, 200, 'OK'));
    await bot.nextRequest('ACK');
    bot.send(bot.response(await bot.nextRequest('BYE'), 200, 'OK'));
    await caller.nextResponse(487, 'INVITE');
    await fixture.idle();
  });

  it('gives the 486 of the bot to the caller', async () => {
    const invite = caller.invite();
    caller.send(invite);
    bot.send(bot.response(await bot.nextRequest('INVITE'), 486, 'Busy Here'));
    const busy = await caller.nextResponse(486, 'INVITE');
    caller.send(caller.sameHop('ACK', invite, header(busy, 'To')));
    await fixture.idle();
  });

  it('carries a late offer: the offer in the 200, the answer in the ACK', async () => {
    caller.send(caller.invite([], ''));
    const inviteBot = await bot.nextRequest('INVITE');
    assert.equal(body(inviteBot), '');
    bot.send(bot.response(inviteBot, 200, 'OK', 'btag', [], SDP));
    const ok = await caller.nextResponse(200, 'INVITE');
    assert.equal(body(ok), SDP);
    assert.equal(
      bot.count((message) => message.startsWith('ACK')),
      0,
      'the ACK waits for the answer',
    );
    caller.send(caller.inDialog('ACK', 1, ok, ['Content-Type: application/sdp'], ANSWER));
    assert.equal(body(await bot.nextRequest('ACK')), ANSWER);
    await hangUp(ok, 2);
  });

  it('carries hold and resume by re-INVITE in both directions', async () => {
    const { ok, inviteBot } = await established();
    caller.send(caller.inDialog('INVITE', 2, ok, ['Content-Type: application/sdp'], REOFFER));
    const hold = await bot.nextRequest('INVITE');
    assert.match(body(hold), /a=sendonly/);
    bot.send(bot.response(hold, 200, 'OK', 'btag', [], ANSWER));
    await bot.nextRequest('ACK');
    caller.send(caller.inDialog('ACK', 2, await caller.nextResponse(200, 'INVITE')));

    bot.send(bot.inDialogAsUas('INVITE', 1, inviteBot, 'btag', ['Content-Type: application/sdp'], REOFFER));
    const other = await caller.nextRequest('INVITE');
    caller.send(caller.response(other, 488, 'Not Acceptable Here'));
    await caller.nextRequest('ACK');
    const refused = await bot.nextResponse(488, 'INVITE');
    assert.equal(startLine(refused), 'SIP/2.0 488 Not Acceptable Here');
    await hangUp(ok, 3);
  });

  it('carries a re-INVITE without offer', async () => {
    const { ok } = await established();
    caller.send(caller.inDialog('INVITE', 2, ok));
    const asked = await bot.nextRequest('INVITE');
    assert.equal(body(asked), '');
    bot.send(bot.response(asked, 200, 'OK', 'btag', [], SDP));
    const offer = await caller.nextResponse(200, 'INVITE');
    assert.equal(body(offer), SDP);
    caller.send(caller.inDialog('ACK', 2, offer, ['Content-Type: application/sdp'], ANSWER));
    assert.equal(body(await bot.nextRequest('ACK')), ANSWER);
    await hangUp(ok, 3);
  });

  it('carries INFO with its body both ways', async () => {
    const { ok, inviteBot } = await established();
    const relay = ['Content-Type: application/dtmf-relay'];
    caller.send(caller.inDialog('INFO', 2, ok, relay, 'Signal=1\r\n'));
    const info = await bot.nextRequest('INFO');
    assert.equal(body(info), 'Signal=1\r\n');
    assert.equal(header(info, 'Content-Type'), 'application/dtmf-relay');
    bot.send(bot.response(info, 200, 'OK'));
    await caller.nextResponse(200, 'INFO');
    bot.send(bot.inDialogAsUas('INFO', 1, inviteBot, 'btag', relay, 'Signal=2\r\n'));
    caller.send(caller.response(await caller.nextRequest('INFO'), 415, 'Unsupported Media Type'));
    await bot.nextResponse(415, 'INFO');
    await hangUp(ok, 3);
  });

  it('hands a REFER and its NOTIFYs through, neither answered by the stack', async () => {
    const { ok, inviteBot } = await established();
    bot.send(bot.inDialogAsUas('REFER', 1, inviteBot, 'btag', ['Refer-To: <sip:agent@127.0.0.1>']));
    const refer = await caller.nextRequest('REFER');
    assert.equal(header(refer, 'Refer-To'), '<sip:agent@127.0.0.1>');
    caller.send(caller.response(refer, 202, 'Accepted'));
    await bot.nextResponse(202, 'REFER');
    const extra = ['Event: refer', 'Subscription-State: terminated;reason=noresource'];
    const frag = [...extra, 'Content-Type: message/sipfrag'];
    caller.send(caller.inDialog('NOTIFY', 2, ok, frag, 'SIP/2.0 200 OK\r\n'));
    const notify = await bot.nextRequest('NOTIFY');
    assert.equal(body(notify), 'SIP/2.0 200 OK\r\n');
    bot.send(bot.response(notify, 200, 'OK'));
    await caller.nextResponse(200, 'NOTIFY');
    await hangUp(ok, 3);
  });

  it('carries a REFER of the caller that the bot refuses', async () => {
    const { ok } = await established();
    caller.send(caller.inDialog('REFER', 2, ok, ['Refer-To: <sip:agent@127.0.0.1>']));
    bot.send(bot.response(await bot.nextRequest('REFER'), 603, 'Decline'));
    await caller.nextResponse(603, 'REFER');
    await hangUp(ok, 3);
  });

  it('ends every call with BYE when it closes', async () => {
    await established();
    const closed = fixture.node.close();
    for (const ua of [caller, bot]) ua.send(ua.response(await ua.nextRequest('BYE'), 200, 'OK'));
    await closed;
    assert.equal(fixture.said.at(-1)?.kind, 'closed');
  });
});
