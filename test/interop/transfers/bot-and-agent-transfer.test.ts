import assert from 'node:assert/strict';
import { BARESIP_HAS_NO_REPLACES } from '../../support/baresip.js';
import { Cast, PHONES, skipWithout, summary, TRANSFERS } from './cast.js';

describe('Interop: a phone as bot or agent transfers the caller, and Relevo does it', function () {
  this.timeout(90_000);
  const cast = new Cast();
  afterEach(() => cast.close());

  for (const [name, phone] of PHONES) {
    const attended = name === 'baresip' ? BARESIP_HAS_NO_REPLACES : undefined;

    it(`${name} as bot transfers blind`, async function () {
      skipWithout(this, name);
      await cast.start({ bot: phone });
      await cast.callsTheBot(TRANSFERS.bridged);
      await cast.bot.transfer(`sip:agent@${cast.node.target}`);
      await cast.talk('caller', 'agent');
      assert.deepEqual(summary(await cast.result()), ['blind invite completed', 'invite agent 200']);
      cast.apart('bot', 'agent');
      await cast.hangsUp('caller');
    });

    it(`${name} as bot consults the agent and transfers attended`, async function () {
      skipWithout(this, name, attended);
      await cast.start({ bot: phone });
      await cast.callsTheBot(TRANSFERS.bridged);
      await cast.bot.consult(cast.agent.uri);
      await cast.talk('bot', 'agent');
      cast.apart('caller', 'agent');
      await cast.bot.transferToConsulted();
      await cast.talk('caller', 'agent');
      assert.deepEqual(summary(await cast.result()), ['blind replaces completed', 'replaces agent 200']);
      await cast.hangsUp('agent');
    });

    it(`${name} as agent transfers onward, blind`, async function () {
      skipWithout(this, name);
      await cast.start({ agent: phone });
      await cast.callsThePerson(TRANSFERS.bridged);
      await cast.agent.transfer(`sip:colleague@${cast.node.target}`);
      await cast.talk('caller', 'colleague');
      assert.deepEqual(summary(await cast.result(2)), ['blind invite completed', 'invite colleague 200']);
      cast.apart('agent', 'colleague');
      await cast.hangsUp('colleague');
    });

    it(`${name} as agent consults a colleague and transfers onward, attended`, async function () {
      skipWithout(this, name, attended);
      await cast.start({ agent: phone });
      await cast.callsThePerson(TRANSFERS.bridged);
      await cast.agent.consult(cast.colleague.uri);
      await cast.talk('agent', 'colleague');
      cast.apart('caller', 'colleague');
      await cast.agent.transferToConsulted();
      await cast.talk('caller', 'colleague');
      assert.deepEqual(summary(await cast.result(2)), ['blind replaces completed', 'replaces colleague 200']);
      await cast.hangsUp('caller');
    });
  }
});
