import assert from 'node:assert/strict';
import { seededRandom } from '../../../src/common/random.js';
import { ToneSearch } from '../../../src/media/worker/tone-search.js';
import { ToneSender } from '../../../src/media/worker/tone-sender.js';

const KEYS = '0123456789*#ABCD'.repeat(8);

/** The frames of these presses, 100 ms each with 100 ms of pause. */
function framesOf(keys: string): Buffer[] {
  const tones = new ToneSender();
  const frames: Buffer[] = [];
  tones.enqueue(keys);
  while (tones.busy) {
    const frame = Buffer.alloc(160);
    tones.next(frame, 0, 'PCMU');
    frames.push(frame);
  }
  return frames;
}

function found(order: readonly (readonly [sequence: number, frame: Buffer])[]): string {
  let keys = '';
  const search = new ToneSearch((key) => (keys += key));
  for (const [sequence, frame] of order)
    search.take(Buffer.from(frame), 0, frame.length, 'PCMU', sequence & 0xffff);
  search.idle();
  return keys;
}

describe('keys pressed as tones', () => {
  it('are each found once though packets overtake each other by up to 60 ms, and some come twice', () => {
    const random = seededRandom(7);
    const order = framesOf(KEYS)
      .flatMap((frame, at): [number, number, Buffer][] => {
        const arrives = (): number => at + 3 * random.fraction();
        const packet: [number, number, Buffer] = [arrives(), 65_000 + at, frame];
        return random.fraction() < 0.05 ? [packet, [arrives(), 65_000 + at, frame]] : [packet];
      })
      .sort(([a], [b]) => a - b)
      .map(([, sequence, frame]) => [sequence, frame] as const);
    assert.equal(found(order), KEYS);
  });

  it('are found though any one packet, or any two in a row, are lost', () => {
    const frames = framesOf('5');
    for (const lost of [1, 2])
      for (let from = 0; from < frames.length; from++) {
        const order = frames.map((frame, at) => [at, frame] as const);
        order.splice(from, lost);
        assert.equal(found(order), '5', `${lost} lost from ${from} on`);
      }
  });

  it('are silenced for the other side from their second block on', () => {
    const search = new ToneSearch(() => undefined);
    const passed = framesOf('5').slice(0, 5);
    passed.forEach((frame, sequence) => search.take(frame, 0, 160, 'PCMU', sequence));
    assert.ok(passed.slice(2).every((frame) => frame.every((code) => code === 0xff)));
  });
});
