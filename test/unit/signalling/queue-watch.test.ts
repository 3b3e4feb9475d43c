import assert from 'node:assert/strict';
import { QueueWatch } from '../../../src/signalling/queue-watch.js';

const MIDNIGHT = Date.UTC(2026, 0, 1);

describe('waiting time of a request', () => {
  it('is what it took longer than the quickest one, whatever the clock of the server', () => {
    const watch = new QueueWatch();
    const at = (seconds: number): string => `05:00:0${seconds}.000000`;
    assert.equal(watch.waitedMs(at(0), MIDNIGHT + 20), 0);
    assert.equal(watch.waitedMs(at(1), MIDNIGHT + 1000 + 620), 600);
    assert.equal(watch.waitedMs(at(2), MIDNIGHT + 2000 + 10), 0);
    assert.equal(watch.waitedMs(at(3), MIDNIGHT + 3000 + 510), 500);
  });

  it('survives midnight', () => {
    const watch = new QueueWatch();
    watch.waitedMs('23:59:59.990000', MIDNIGHT - 5);
    assert.equal(watch.waitedMs('23:59:59.999000', MIDNIGHT + 104), 100);
  });

  it('forgets an old minimum: a clock that was set is no waiting for ever', () => {
    const watch = new QueueWatch();
    watch.waitedMs('00:00:00.000000', MIDNIGHT);
    assert.equal(watch.waitedMs('00:01:00.000000', MIDNIGHT + 70_000), 10_000);
    assert.equal(watch.waitedMs('00:02:05.000000', MIDNIGHT + 135_000), 0);
  });

  it('is nothing where the server says no time', () => {
    assert.equal(new QueueWatch().waitedMs(undefined, MIDNIGHT), 0);
    assert.equal(new QueueWatch().waitedMs('soon', MIDNIGHT), 0);
  });
});
