import assert from 'node:assert/strict';
import { mediaProfile } from '../../../src/call/leg/media-profile.js';
import { CallBench } from '../../support/call/call-bench.js';
import { makeProject, makeTrunk } from '../../support/call/call-plan.js';

describe('a common codec', () => {
  it('is asked for by re-INVITE where the other side cannot take what a party sends', () => {
    const bench = new CallBench().withBot();
    bench.media({ kind: 'codecUnlike', legId: 'c1.1', codecs: ['PCMU'] });
    assert.equal(bench.requests('INVITE', 'c1.1').length, 1);
    const offers = bench
      .mediaCommands('makeOffer', 'c1.1')
      .map((command) => (command.kind === 'makeOffer' ? command.codecs : []));
    assert.deepEqual(offers, [['PCMU']]);
  });

  it('waits for the answer where the party is not connected yet', () => {
    const bench = new CallBench();
    bench.incoming();
    bench.media({ kind: 'codecUnlike', legId: 'c1.1', codecs: ['PCMU'] });
    assert.equal(bench.requests('INVITE', 'c1.1').length, 0);
  });

  it('is of the trunk, within what the project allows, in its order', () => {
    const trunk = makeTrunk({ codecs: ['opus', 'PCMA', 'PCMU'] });
    const within = makeProject({ codecs: ['PCMU', 'G722', 'opus'] });
    assert.deepEqual(mediaProfile(trunk, within, null).codecs, ['PCMU', 'opus']);
    assert.deepEqual(mediaProfile(trunk, makeProject(), null).codecs, trunk.codecs);
    assert.equal(mediaProfile(trunk, within, 'sip:bot@[2001:db8::1]:5060').family, 6);
    assert.equal(mediaProfile(trunk, within, 'sip:bot@10.0.0.1').family, 4);
  });
});
