import assert from 'node:assert/strict';
import { Cast, PHONES, skipWithout, summary, TRANSFERS } from './cast.js';

describe('Interop: Relevo transfers a phone that called', function () {
  this.timeout(90_000);
  const cast = new Cast();
  afterEach(() => cast.close());

  for (const [name, phone] of PHONES) {
    it(`${name} as caller is bridged to the person`, async function () {
      skipWithout(this, name);
      await cast.start({ caller: phone });
      await cast.callsThePerson(TRANSFERS.bridged);
      assert.deepEqual(summary(await cast.result()), ['blind invite completed', 'invite agent 200']);
      cast.apart('bot', 'agent');
      await cast.hangsUp('caller');
    });

    it(`${name} as caller is bridged to the person after a consultation`, async function () {
      skipWithout(this, name);
      await cast.start({ caller: phone });
      await cast.callsThePerson(TRANSFERS.attended);
      assert.deepEqual(summary(await cast.result()), ['attended invite completed', 'invite agent 200']);
      await cast.hangsUp('agent');
    });

    it(`${name} as caller follows a blind REFER`, async function () {
      skipWithout(this, name);
      await cast.start({ caller: phone });
      const { callId } = await cast.callsTheBot(TRANSFERS.refer);
      await cast.ask(callId);
      await cast.talk('caller', 'agent');
      assert.deepEqual(summary(await cast.result()), ['blind refer completed', 'refer agent 200']);
      await cast.ended();
      await cast.talk('caller', 'agent');
    });

    it(`${name} as caller follows the REFER of the bot, passed on`, async function () {
      skipWithout(this, name);
      await cast.start({ caller: phone });
      await cast.callsTheBot(TRANSFERS.botPasses);
      await cast.bot.transfer(`sip:agent@${cast.node.target}`);
      await cast.talk('caller', 'agent');
      assert.deepEqual(summary(await cast.result()), ['blind refer completed', 'refer agent 200']);
      await cast.ended();
    });

    it(`${name} as caller is told of a busy person by REFER, and stays with the bot`, async function () {
      skipWithout(this, name);
      await cast.start({ caller: phone });
      cast.isBusy('agent');
      const { callId } = await cast.callsTheBot(TRANSFERS.refer);
      await cast.ask(callId);
      assert.deepEqual(summary(await cast.result()), ['blind refer busy', 'refer agent 486']);
      await cast.talk('caller', 'bot');
      await cast.hangsUp('caller');
    });

    // baresip offers no "replaces": it is not referred, but joined.
    const joined = name === 'baresip' ? 'is joined by the bridge' : 'follows a REFER with Replaces';
    it(`${name} as caller ${joined} after a consultation`, async function () {
      skipWithout(this, name);
      await cast.start({ caller: phone });
      const { callId } = await cast.callsTheBot(TRANSFERS.attendedRefer);
      await cast.ask(callId);
      await cast.talk('caller', 'agent');
      const refer = name === 'baresip' ? [] : ['refer agent 200'];
      assert.deepEqual(summary(await cast.result()), [
        'attended refer completed',
        'invite agent 200',
        ...refer,
      ]);
      if (name === 'baresip') await cast.hangsUp('caller');
      await cast.ended();
    });
  }
});
