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
