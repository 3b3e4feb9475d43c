import assert from 'node:assert/strict';
import { Cast, PHONES, skipWithout, summary, TRANSFERS } from './cast.js';

describe('Interop: Relevo reaches a phone as the person, and transfers it', function () {
  this.timeout(90_000);
  const cast = new Cast();
  afterEach(() => cast.close());

  for (const [name, phone] of PHONES) {
    it(`${name} as agent is bridged to the caller`, async function () {
      skipWithout(this, name);
      await cast.start({ agent: phone });
      await cast.callsThePerson(TRANSFERS.bridged);
      assert.deepEqual(summary(await cast.result()), ['blind invite completed', 'invite agent 200']);
      cast.apart('bot', 'agent');
      await cast.hangsUp('agent');
    });

    it(`${name} as agent takes the call by INVITE with Replaces after a consultation`, async function () {
      skipWithout(this, name);
      await cast.start({ agent: phone });
      await cast.callsThePerson(TRANSFERS.attendedReplaces);
      assert.deepEqual(summary(await cast.result()), [
        'attended replaces completed',
        'invite agent 200',
        `replaces agent ${name === 'baresip' ? 420 : 200}`,
      ]);
      await cast.hangsUp('caller');
    });

    it(`${name} as agent follows the REFER of the caller, passed on`, async function () {
      skipWithout(this, name);
      await cast.start({ agent: phone });
      await cast.callsThePerson(TRANSFERS.callerPasses);
      await cast.caller.transfer(`sip:colleague@${cast.node.target}`);
      await cast.talk('agent', 'colleague');
      assert.deepEqual(summary(await cast.result(2)), ['blind refer completed', 'refer colleague 200']);
      await cast.ended();
    });

    it(`${name} as the consulted colleague: INVITE with Replaces takes the place of the agent`, async function () {
      skipWithout(this, name);
      await cast.start({ colleague: phone });
      await cast.callsThePerson(TRANSFERS.bridged);
      await cast.agent.consult(cast.colleague.uri);
      await cast.talk('agent', 'colleague');
      await cast.agent.transferToConsulted();
      const result = summary(await cast.result(2));
      if (name === 'baresip') {
        // baresip refuses what it cannot do: the caller stays with the agent.
        assert.deepEqual(result, ['blind replaces failed', 'replaces colleague 420']);
        cast.apart('caller', 'colleague');
      } else {
        await cast.talk('caller', 'colleague');
        assert.deepEqual(result, ['blind replaces completed', 'replaces colleague 200']);
      }
      await cast.hangsUp('caller');
    });
  }
});
