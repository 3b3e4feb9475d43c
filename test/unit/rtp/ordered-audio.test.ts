import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ULAW_TO_LINEAR } from '../../../src/rtp/g711.js';
import { OrderedAudio } from '../../../src/rtp/ordered-audio.js';

/** What comes out, by the first code of each packet. */
function given(sequences: readonly number[], flush = true): number[] {
  const out: number[] = [];
  const audio = new OrderedAudio((codes) => out.push(codes[0]!));
  for (const sequence of sequences)
    audio.push(sequence & 0xffff, Buffer.from([sequence & 0xff]), ULAW_TO_LINEAR);
  if (flush) audio.flush();
  return out;
}

describe('audio in order', () => {
  it('goes through at once as long as it is in order, over the wrap of the sequence', () => {
    assert.deepEqual(given([65_534, 65_535, 65_536, 65_537], false), [254, 255, 0, 1]);
  });

  it('gives each packet once and in its turn, however they come within 80 ms', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.boolean()), { minLength: 1, maxLength: 60 }), (delays) => {
        const order = delays
          .flatMap(([delay, twice], sequence) => {
            const at = sequence === 0 ? 0 : sequence + delay;
            return [[at, sequence], ...(twice ? [[at + 0.5, sequence]] : [])] as [number, number][];
          })
          .sort(([a], [b]) => a - b)
          .map(([, sequence]) => sequence);
        assert.deepEqual(
          given(order),
          delays.map((_, sequence) => sequence),
        );
      }),
    );
  });

  it('gives the packet before twice at most where some are lost, and what comes too late to nobody', () => {
    assert.deepEqual(given([1, 2, 4, 5, 6, 7], false), [1, 2, 2, 4, 5, 6, 7]);
    assert.deepEqual(given([1, 9, 10, 3]), [1, 1, 1, 9, 10]);
  });

  it('begins anew behind a jump', () => {
    assert.deepEqual(given([1, 2, 4, 40_000, 40_001]), [1, 2, 2, 4, 64, 65]);
  });
});
