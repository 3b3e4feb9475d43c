import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { realClock } from '../../../../src/common/clock.js';
import { QueueDelay } from '../../../../src/engine/protection/queue-delay.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

async function listener(): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

describe('the delay of a UDP queue', () => {
  it('is told by probes that come back to their sender and are nobody else’s', async () => {
    const { socket, port } = await listener();
    const delay = new QueueDelay(realClock, '127.0.0.1', port);
    try {
      const [raw] = (await once(socket, 'message')) as [Buffer];
      assert.equal(delay.take(Buffer.from('OPTIONS sip:a@b SIP/2.0')), false);
      assert.equal(delay.take(Buffer.alloc(raw.length)), false);
      assert.equal(delay.take(raw), true);
    } finally {
      delay.close();
      delay.close();
      socket.close();
    }
  });

  it('counts when two probes in a row were late, not when one met a pause', async () => {
    const { socket, port } = await listener();
    const clock = new VirtualClock();
    const delay = new QueueDelay(clock, '127.0.0.1', port);
    const probe = async (lateMs: number): Promise<void> => {
      const arrived = once(socket, 'message') as Promise<[Buffer]>;
      clock.advance(50);
      const [raw] = await arrived;
      clock.advance(lateMs);
      assert.equal(delay.take(raw), true);
    };
    try {
      const afterOne = async (lateMs: number): Promise<number> => {
        await probe(lateMs);
        return delay.delayMs;
      };
      assert.equal(await afterOne(0), 0);
      assert.equal(await afterOne(300), 0);
      assert.equal(await afterOne(350), 300);
      assert.equal(await afterOne(0), 0);
    } finally {
      delay.close();
      socket.close();
    }
    assert.equal(clock.pendingTimers, 0);
  });

  it('is unknown, and so none, where probes never come back', () => {
    const clock = new VirtualClock();
    const delay = new QueueDelay(clock, '127.0.0.1', 9);
    clock.advance(4500);
    assert.ok(delay.delayMs >= 2000, String(delay.delayMs));
    clock.advance(20_000);
    assert.equal(delay.delayMs, 0);
    delay.close();
    assert.equal(clock.pendingTimers, 0);
  });
});
