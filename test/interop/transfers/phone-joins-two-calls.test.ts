import assert from 'node:assert/strict';
import { BARESIP_HAS_NO_REPLACES } from '../../support/baresip.js';
import { Cast, PHONES, skipWithout, TRANSFERS } from './cast.js';

describe('Interop: a phone with two calls through Relevo joins them by REFER with Replaces', function () {
  this.timeout(90_000);
  const cast = new Cast();
  afterEach(() => cast.close());

  for (const [name, phone] of PHONES) {
    const attended = name === 'baresip' ? BARESIP_HAS_NO_REPLACES : undefined;

    it(`${name} as caller joins the bot with the colleague that it called`, async function () {
      skipWithout(this, name, attended);
      await cast.start({ caller: phone });
      await cast.callsTheBot(TRANSFERS.bridged);
      await cast.caller.consult(`sip:${TRANSFERS.colleague}@${cast.target}`);
      await cast.talk('caller', 'colleague');
      cast.apart('bot', 'colleague');
      await cast.caller.transferToConsulted();
      await cast.talk('bot', 'colleague');
      assert.deepEqual(await cast.outcomes(1), ['completed']);
      await cast.hangsUp('colleague');
    });

    it(`${name} as agent joins the caller with the colleague that it called`, async function () {
      skipWithout(this, name, attended);
      await cast.start({ agent: phone });
      await cast.callsThePerson(TRANSFERS.bridged);
      await cast.agent.consult(`sip:${TRANSFERS.colleague}@${cast.target}`);
      await cast.talk('agent', 'colleague');
      cast.apart('caller', 'colleague');
      await cast.agent.transferToConsulted();
      await cast.talk('caller', 'colleague');
      assert.deepEqual(await cast.outcomes(2), ['completed', 'completed']);
      await cast.hangsUp('caller');
    });

    it(`${name} as bot joins the caller with the colleague that it called`, async function () {
      skipWithout(this, name, attended);
      await cast.start({ bot: phone });
      await cast.callsTheBot(TRANSFERS.bridged);
      await cast.bot.consult(`sip:${TRANSFERS.colleague}@${cast.target}`);
      await cast.talk('bot', 'colleague');
      await cast.bot.transferToConsulted();
      await cast.talk('caller', 'colleague');
      assert.deepEqual(await cast.outcomes(1), ['completed']);
      await cast.hangsUp('colleague');
    });
  }
});
