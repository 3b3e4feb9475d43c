import assert from 'node:assert/strict';
import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { EventEmitter } from 'node:events';
import { createLogger } from '../../../src/common/log.js';
import { MediaPool, portShares, workerCount } from '../../../src/main/media-pool.js';
import type { MediaWorkers, MediaWorkersOptions } from '../../../src/media/media-worker-host.js';

const settings = {
  kind: 'embedded',
  address: '127.0.0.1',
  advertise: '127.0.0.1',
  ipv6: null,
  ports: { min: 20_000, max: 20_009 },
  workers: 2,
  nodes: [],
  oneWayAudioAfterMs: 10_000,
  movesPerSecond: 500,
} as const;

describe('media pool', () => {
  it('gives every worker whole pairs of ports, and all of them', () => {
    assert.deepEqual(portShares({ min: 20_000, max: 20_009 }, 2), [
      { first: 20_000, last: 20_003 },
      { first: 20_004, last: 20_009 },
    ]);
    assert.deepEqual(portShares({ min: 20_000, max: 20_001 }, 1), [{ first: 20_000, last: 20_001 }]);
    assert.ok(workerCount({ workers: 'auto' }) >= 1);
  });

  it('replaces a dead worker by itself on the same ports, and tries again where that fails', async () => {
    const starts: MediaWorkersOptions[] = [];
    const exits: ((index: number, cause: string) => void)[] = [];
    const ports: MessagePort[] = [];
    const replaced = new EventEmitter<{ replaced: [index: number] }>();
    let failures = 1;
    const pool = await MediaPool.start({
      settings,
      logLevel: 'silent',
      log: createLogger('test', 'silent'),
      onReplaced: (index) => replaced.emit('replaced', index),
      startWorkers: (options) => {
        starts.push(options);
        if (starts.length > 2 && failures-- > 0) return Promise.reject(new Error('ports still taken'));
        const workers: MediaWorkers = {
          connect: () => {
            const { port1, port2 } = new MessageChannel();
            ports.push(port1, port2);
            return [port1];
          },
          stats: () => Promise.resolve([]),
          record: (recorder) => void recorder(),
          onExit: (listener) => exits.push(listener),
          close: () => Promise.resolve(),
        };
        return Promise.resolve(workers);
      },
    });
    assert.deepEqual(pool.states(), { 'media-0': 'up', 'media-1': 'up' });
    const back = once(replaced, 'replaced');
    exits[1]?.(0, 'out of memory');
    assert.deepEqual(pool.states(), { 'media-0': 'up', 'media-1': 'restarting' });
    assert.deepEqual(await back, [1]);
    assert.deepEqual(pool.states(), { 'media-0': 'up', 'media-1': 'up' });
    assert.equal(starts.length, 4);
    assert.deepEqual(starts[3]?.portRange, starts[1]?.portRange);
    await pool.close();
    for (const port of ports) port.close();
  });
});
