import assert from 'node:assert/strict';
import { startMediaWorkers, type MediaWorkers } from '../../../src/media/media-worker-host.js';
import { freePort } from '../../support/free-ports.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../../support/node-under-test.js';
import { Talker } from './talker.js';

describe('media.moves_per_second', function () {
  this.timeout(60_000);
  let node: NodeUnderTest;
  const threads: MediaWorkers[] = [];
  const talkers: Talker[] = [];

  before(async () => {
    const first = await freePort(40_000, 50_000);
    node = await startNodeUnderTest({
      media: `media: { address: 127.0.0.1, ports: ${first}-${first + 199}, workers: 1, moves_per_second: 2 }`,
      startMediaWorkers: async (options) => {
        const workers = await startMediaWorkers(options);
        threads.push(workers);
        return workers;
      },
    });
  });
  after(async () => {
    for (const talker of talkers) talker.close();
    await node.close();
  });

  it('bounds how fast peers are told of new ports: two in a second, so six legs take two seconds and more', async () => {
    const bot = await Talker.open(node.botPort, node.sipPort, 0x22);
    const caller = await Talker.open(0, node.sipPort, 0x11);
    talkers.push(bot, caller);
    const marks = ['a', 'b', 'c'].map((mark) => `slow${mark}`);
    for (const mark of marks) assert.equal(await caller.peer.call(NUMBERS.basic, mark), 200);
    const killedAt = performance.now();
    await threads[0]!.kill!();
    await Promise.all([caller.invited(3), bot.invited(3 + 3)]);
    const tookMs = performance.now() - killedAt;
    assert.ok(tookMs > 1_900, `${tookMs} ms`);
    for (const mark of marks) caller.peer.request(`${mark}@soak`, 'BYE');
    await node.newestCall((call) => call.endedAt !== null);
  });
});
