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

    const replaced = {
      baresip: 'refuses INVITE with Replaces after a consultation, and is joined by the bridge',
      linphone: 'refuses INVITE with Replaces from whom it talks to, and is joined by the bridge',
      'sip.js': 'takes the call by INVITE with Replaces after a consultation',
    };
    it(`${name} as agent ${replaced[name]}`, async function () {
      skipWithout(this, name);
      await cast.start({ agent: phone });
      await cast.callsThePerson(TRANSFERS.attendedReplaces);
      assert.deepEqual(summary(await cast.result()), [
        'attended replaces completed',
        'invite agent 200',
        // baresip has no Replaces; linphone takes no second call from a party that it talks to. Both are bridged then.
        `replaces agent ${{ baresip: 420, linphone: 486, 'sip.js': 200 }[name]}`,
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

    const place =
      name === 'baresip' ? 'refuses INVITE with Replaces: the caller stays with' : 'takes over from';
    it(`${name} as consulted colleague ${place} the agent`, async function () {
      skipWithout(this, name);
      await cast.start({ colleague: phone });
      await cast.callsThePerson(TRANSFERS.bridged);
      await cast.agent.consult(cast.colleague.uri);
      await cast.talk('agent', 'colleague');
      await cast.agent.transferToConsulted();
      // A Contact without the extension is no destination of the configuration: it stands in the result as it is.
      const result = summary(await cast.result(2), 'colleague');
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
