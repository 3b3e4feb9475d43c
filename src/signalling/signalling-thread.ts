import { parentPort, workerData } from 'node:worker_threads';
import { realClock } from '../common/clock.js';
import { createLogger } from '../common/log.js';
import { secureRandom } from '../common/random.js';
import { EmbeddedMedia } from '../media/embedded-media.js';
import { SignallingNode } from './signalling-node.js';
import type { FromSignalling, SignallingThreadOptions, ToSignalling } from './thread-messages.js';

/** Entry of the signalling thread: `workerData` is SignallingThreadOptions, messages are thread-messages.ts. */
function run(): void {
  const port = parentPort;
  if (!port) throw new Error('signalling-thread.js is the entry of a worker thread');
  const { logLevel, control, plan, mediaAddress, mediaAddress6, loopAddress, mixes } =
    workerData as SignallingThreadOptions;
  // drachtio-srf asks the environment once per header: a plain copy answers many times faster than the real one.
  process.env = { ...process.env };
  const log = createLogger('signalling', logLevel);
  const random = secureRandom();
  const clock = realClock;
  const node = new SignallingNode({
    control,
    plan,
    clock,
    random,
    log,
    ...(loopAddress === undefined ? {} : { loopAddress }),
    ...(mixes === undefined ? {} : { mixes }),
    post: (message: FromSignalling) => {
      port.postMessage(message);
      if (message.kind === 'closed') port.close();
    },
    makeMedia: (onEvent) => new EmbeddedMedia({ mediaAddress, mediaAddress6, random, clock, onEvent, log }),
  });
  port.on('message', (message: ToSignalling) => node.handle(message));
  node.start();
}

run();
