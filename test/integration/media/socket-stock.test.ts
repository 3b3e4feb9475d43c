import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { PortAllocator } from '../../../src/media/worker/port-allocator.js';
import { SocketPairStock, type PairHandlers } from '../../../src/media/worker/socket-pair-stock.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const NOBODY: PairHandlers = { onRtp: () => undefined, onRtcp: () => undefined, onError: () => undefined };

describe('stock of socket pairs', () => {
  let clock: VirtualClock;
  let ports: PortAllocator;
  let stock: SocketPairStock;
  let sender: Socket;
  beforeEach(() => {
    clock = new VirtualClock();
    ports = new PortAllocator({ first: 30_600, last: 30_679 });
    stock = new SocketPairStock(ports, '127.0.0.1', clock);
    sender = createSocket('udp4');
  });
  afterEach(() => {
    stock.close();
    sender.close();
  });

  it('lends a pair again once it has rested, and not before', async () => {
    const first = (await stock.take(NOBODY))!;
    first.close();
    first.close();
    assert.equal(stock.size, 1);
    const second = (await stock.take(NOBODY))!;
    assert.notEqual(second.rtpPort, first.rtpPort);
    clock.advance(1000);
    const third = (await stock.take(NOBODY))!;
    assert.equal(third.rtpPort, first.rtpPort);
    second.close();
    third.close();
  });

  it('does not lend a pair to which the peer of the leg before still sends', async () => {
    const first = (await stock.take(NOBODY))!;
    first.close();
    clock.advance(900);
    const late = once(first.rtp, 'message');
    sender.send('late', first.rtpPort, '127.0.0.1');
    await late;
    clock.advance(900);
    const second = (await stock.take(NOBODY))!;
    assert.notEqual(second.rtpPort, first.rtpPort);
    second.close();
  });

  it('gives one that has not rested where the range is used up, and null where there is none', async () => {
    const held = [];
    for (let at = 0; at < ports.total; at++) held.push((await stock.take(NOBODY))!);
    assert.equal(await stock.take(NOBODY), null);
    held[0]!.close();
    const again = (await stock.take(NOBODY))!;
    assert.equal(again.rtpPort, held[0]!.rtpPort);
    for (const pair of [again, ...held.slice(1)]) pair.close();
  });

  it('closes pairs that nobody wants any more', async () => {
    (await stock.take(NOBODY))!.close();
    clock.advance(20_000);
    stock.trim(clock.now());
    assert.equal(stock.size, 0);
  });
});
