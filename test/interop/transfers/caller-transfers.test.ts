import assert from 'node:assert/strict';
import { BARESIP_HAS_NO_REPLACES } from '../../support/baresip.js';
import { Cast, PHONES, skipWithout, summary, TRANSFERS } from './cast.js';

describe('Interop: a phone as caller transfers its end of the call away, and Relevo does it', function () {
  this.timeout(90_000);
  const cast = new Cast();
  afterEach(() => cast.close());

  for (const [name, phone] of PHONES) {
    const attended = name === 'baresip' ? BARESIP_HAS_NO_REPLACES : undefined;

    it(`${name} as caller transfers the bot away, blind`, async function () {
      skipWithout(this, name);
      await cast.start({ caller: phone });
      await cast.callsTheBot(TRANSFERS.bridged);
      await cast.caller.transfer(`sip:colleague@${cast.node.target}`);
      await cast.talk('colleague', 'bot');
      assert.deepEqual(summary(await cast.result()), ['blind invite completed', 'invite colleague 200']);
      cast.apart('caller', 'colleague');
      await cast.hangsUp('colleague');
    });

    it(`${name} as caller transfers the person away, blind`, async function () {
      skipWithout(this, name);
      await cast.start({ caller: phone });
      await cast.callsThePerson(TRANSFERS.bridged);
      await cast.caller.transfer(`sip:colleague@${cast.node.target}`);
      await cast.talk('colleague', 'agent');
      assert.deepEqual(summary(await cast.result(2)), ['blind invite completed', 'invite colleague 200']);
      await cast.hangsUp('agent');
    });

    it(`${name} as caller consults a colleague and transfers the bot to them, attended`, async function () {
      skipWithout(this, name, attended);
      await cast.start({ caller: phone });
      await cast.callsTheBot(TRANSFERS.bridged);
      await cast.caller.consult(cast.colleague.uri);
      await cast.talk('caller', 'colleague');
      cast.apart('bot', 'colleague');
      await cast.caller.transferToConsulted();
      await cast.talk('colleague', 'bot');
      assert.deepEqual(summary(await cast.result()), ['blind replaces completed', 'replaces colleague 200']);
      await cast.hangsUp('colleague');
    });
  }
});
