import assert from 'node:assert/strict';
import { PacedQueue } from '../../../src/media/paced-queue.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('a paced queue', () => {
  it('does one thing at once, and a thousand at no more than the rate, in order', () => {
    const clock = new VirtualClock();
    const done: { item: number; at: number }[] = [];
    const queue = new PacedQueue<number>(clock, 500, (item) => done.push({ item, at: clock.now() }));
    queue.push(0);
    assert.equal(done.length, 1);
    clock.advance(1000);
    const from = clock.now();
    for (let item = 1; item <= 1000; item++) queue.push(item);
    assert.equal(done.length, 11);
    clock.advance(1000);
    const second = done.filter(({ at }) => at > from && at <= from + 1000).length;
    assert.ok(second >= 490 && second <= 510, String(second));
    clock.advance(2000);
    assert.deepEqual(
      done.map(({ item }) => item),
      Array.from({ length: 1001 }, (_, item) => item),
    );
  });

  for (const rate of [1, 3, 49, 120, 333, 2500]) {
    it(`keeps a rate of ${rate} in a second`, () => {
      const clock = new VirtualClock();
      const done: number[] = [];
      const queue = new PacedQueue<number>(clock, rate, () => done.push(clock.now()));
      for (let item = 0; item < rate * 10; item++) queue.push(item);
      clock.advance(9_500);
      assert.ok(Math.abs(done.length - rate * 9.5) <= Math.max(1, rate / 20), `${done.length} in 9.5 s`);
      for (const from of done.slice(0, 200))
        assert.ok(done.filter((at) => at >= from && at < from + 999).length <= rate * 1.04 + 1);
    });
  }

  it('takes more work while it works, and nothing once it is closed', () => {
    const clock = new VirtualClock();
    let done = 0;
    const queue: PacedQueue<number> = new PacedQueue(clock, 50, (left) => {
      done++;
      if (left > 0) queue.push(left - 1);
    });
    queue.push(3);
    clock.advance(100);
    assert.equal(done, 4);
    queue.push(1);
    queue.close();
    clock.advance(100);
    queue.push(0);
    assert.equal(done, 5);
    assert.equal(clock.pendingTimers, 0);
  });
});
