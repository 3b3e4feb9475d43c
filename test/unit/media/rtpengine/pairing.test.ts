import assert from 'node:assert/strict';
import type { MediaSource } from '../../../../src/call/media-port.js';
import { placesOf } from '../../../../src/media/rtpengine/pairing.js';

const leg = (legId: string): MediaSource => ({ kind: 'leg', legId });
const MUSIC: MediaSource = { kind: 'music', file: null };
const SILENCE: MediaSource = { kind: 'silence' };

/** What each leg of `wishes` gets, as "partner/blocked?/prompt". */
function placed(wishes: Readonly<Record<string, MediaSource | null>>): Record<string, string> {
  const { places } = placesOf(
    Object.entries(wishes).map(([legId, source]) => ({
      legId,
      source: source ?? SILENCE,
      ready: source !== null,
    })),
  );
  return Object.fromEntries(
    [...places].map(([legId, { partner, blocked, prompt }]) => [
      legId,
      [partner ?? '-', blocked ? 'blocked' : 'open', prompt?.kind ?? '-'].join(' '),
    ]),
  );
}

describe('rtpengine: who hears whom, as pairs', () => {
  it('joins two that hear each other, and plays nothing to them', () => {
    assert.deepEqual(placed({ a: leg('b'), b: leg('a') }), { a: 'b open -', b: 'a open -' });
  });

  it('while the caller hears music, the bot hears the caller and the caller no bot', () => {
    assert.deepEqual(placed({ a: MUSIC, b: leg('a') }), { a: 'b open music', b: 'a blocked -' });
  });

  it('a consultation: caller with music alone, bot and agent together', () => {
    assert.deepEqual(placed({ a: MUSIC, b: leg('c'), c: leg('b') }), {
      a: '- blocked music',
      b: 'c open -',
      c: 'b open -',
    });
  });

  it('a leg that nobody is to hear is blocked, also when it hears somebody who hears another', () => {
    const { places, unserved } = placesOf([
      { legId: 'a', source: leg('b'), ready: true },
      { legId: 'b', source: leg('a'), ready: true },
      { legId: 'c', source: leg('a'), ready: true },
    ]);
    assert.deepEqual(places.get('c'), { partner: null, blocked: true, prompt: { kind: 'silence' } });
    assert.deepEqual(unserved, ['c']);
  });

  it('a leg whose stream is not agreed on yet takes no part', () => {
    assert.deepEqual(placed({ a: leg('b'), b: null }), { a: '- blocked silence' });
  });

  it('a mix and a tap are answered by silence, and named', () => {
    for (const source of [
      { kind: 'mix', legIds: ['b', 'c'] },
      { kind: 'tap', legId: 'b' },
    ] as const) {
      const { places, unserved } = placesOf([{ legId: 'a', source, ready: true }]);
      assert.deepEqual(places.get('a')?.prompt, { kind: 'silence' });
      assert.deepEqual(unserved, ['a']);
    }
  });
});
