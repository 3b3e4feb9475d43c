import assert from 'node:assert/strict';
import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { MessageBatch } from '../../../src/media/message-batch.js';

describe('messages to a media worker', () => {
  it('carries what one event caused as one message, in order', async () => {
    const { port1, port2 } = new MessageChannel();
    const batch = new MessageBatch<number>(port1);
    const first = once(port2, 'message');
    for (const number of [1, 2, 3]) batch.post(number);
    assert.deepEqual(await first, [[1, 2, 3]]);
    const second = once(port2, 'message');
    batch.post(4);
    assert.deepEqual(await second, [[4]]);
    batch.close();
    port2.close();
  });

  it('does not forget what waits when it is closed', async () => {
    const { port1, port2 } = new MessageChannel();
    const batch = new MessageBatch<string>(port1);
    const last = once(port2, 'message');
    batch.post('close');
    batch.close();
    batch.close();
    assert.deepEqual(await last, [['close']]);
    port2.close();
  });
});
