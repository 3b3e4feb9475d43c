import assert from 'node:assert/strict';
import { available } from '../../support/softphone.js';
import { Cast, summary, TRANSFERS } from './cast.js';

describe('Interop: transfers through kamailio, which record-routes and hides the topology', function () {
  this.timeout(90_000);
  const cast = new Cast();
  before(function () {
    if (available('kamailio')) return;
    process.stdout.write('  kamailio is not installed: these tests are skipped\n');
    this.skip();
  });
  afterEach(() => cast.close());

  it('a bridged INVITE reaches the agent; the agent hangs up', async () => {
    await cast.start({}, {});
    await cast.callsThePerson(TRANSFERS.bridged);
    assert.deepEqual(summary(await cast.result()), ['blind invite completed', 'invite agent 200']);
    await cast.hangsUp('agent');
  });

  it('a consulted agent is joined by the bridge; the caller hangs up', async () => {
    await cast.start({}, {});
    await cast.callsThePerson(TRANSFERS.attended);
    assert.deepEqual(summary(await cast.result()), ['attended invite completed', 'invite agent 200']);
    await cast.hangsUp('caller');
  });

  it('a blind REFER: the caller dials the agent through the SBC', async () => {
    await cast.start({}, {});
    const { callId } = await cast.callsTheBot(TRANSFERS.refer);
    await cast.ask(callId);
    await cast.talk('caller', 'agent');
    assert.deepEqual(summary(await cast.result()), ['blind refer completed', 'refer agent 200']);
    await cast.ended();
  });

  for (const maskCallId of [false, true]) {
    const calls = maskCallId ? 'Call-IDs masked' : 'Call-IDs as they are';
    it(`attended, INVITE with Replaces, ${calls}: the masked Contact leads nowhere, the bridge joins them`, async () => {
      await cast.start({}, { maskCallId });
      await cast.callsThePerson(TRANSFERS.attendedReplaces);
      assert.deepEqual(summary(await cast.result()), [
        'attended replaces completed',
        'invite agent 200',
        'replaces agent 404',
      ]);
      await cast.hangsUp('agent');
    });
  }

  it('attended, REFER with Replaces, Call-IDs as they are', async () => {
    await cast.start({}, { maskCallId: false });
    const { callId } = await cast.callsTheBot(TRANSFERS.attendedRefer);
    await cast.ask(callId);
    await cast.talk('caller', 'agent');
    assert.deepEqual(summary(await cast.result()), [
      'attended refer completed',
      'invite agent 200',
      'refer agent 200',
    ]);
    await cast.ended();
  });

  it('attended, REFER with Replaces, Call-IDs masked: nobody knows the dialog, and the bridge joins them', async () => {
    await cast.start({}, { maskCallId: true });
    const { callId } = await cast.callsTheBot(TRANSFERS.attendedRefer);
    await cast.ask(callId);
    await cast.talk('caller', 'agent');
    assert.deepEqual(summary(await cast.result()), [
      'attended refer completed',
      'invite agent 200',
      'refer agent 481',
    ]);
    await cast.hangsUp('caller');
  });

  it('the bot transfers blind', async () => {
    await cast.start({}, {});
    await cast.callsTheBot(TRANSFERS.bridged);
    await cast.bot.transfer(`sip:agent@${cast.node.target}`);
    await cast.talk('caller', 'agent');
    assert.deepEqual(summary(await cast.result()), ['blind invite completed', 'invite agent 200']);
    await cast.hangsUp('caller');
  });

  it('the agent transfers onward, blind', async () => {
    await cast.start({}, {});
    await cast.callsThePerson(TRANSFERS.bridged);
    await cast.agent.transfer(`sip:colleague@${cast.node.target}`);
    await cast.talk('caller', 'colleague');
    assert.deepEqual(summary(await cast.result(2)), ['blind invite completed', 'invite colleague 200']);
    await cast.hangsUp('colleague');
  });

  for (const maskCallId of [false, true]) {
    // kamailio translates the Call-ID of a Replaces inside Refer-To, also of a dialog that it never saw.
    const what = maskCallId ? 'Call-IDs masked: refused, the caller stays' : 'Call-IDs as they are';
    it(`the agent consults a colleague and transfers onward, attended, ${what}`, async () => {
      await cast.start({}, { maskCallId });
      await cast.callsThePerson(TRANSFERS.bridged);
      await cast.agent.consult(cast.colleague.uri);
      await cast.talk('agent', 'colleague');
      await cast.agent.transferToConsulted();
      const result = summary(await cast.result(2));
      if (maskCallId) {
        assert.deepEqual(result, ['blind replaces failed', 'replaces colleague 481']);
        cast.apart('caller', 'colleague');
        await cast.hangsUp('caller');
      } else {
        await cast.talk('caller', 'colleague');
        assert.deepEqual(result, ['blind replaces completed', 'replaces colleague 200']);
        await cast.hangsUp('colleague');
      }
    });
  }

  it('the caller transfers its end away, blind', async () => {
    await cast.start({}, {});
    await cast.callsTheBot(TRANSFERS.bridged);
    await cast.caller.transfer(`sip:colleague@${cast.node.target}`);
    await cast.talk('colleague', 'bot');
    assert.deepEqual(summary(await cast.result()), ['blind invite completed', 'invite colleague 200']);
    await cast.hangsUp('colleague');
  });
});
