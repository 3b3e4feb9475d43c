import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { realClock } from '../../common/clock.js';
import { createLogger } from '../../common/log.js';
import { secureRandom } from '../../common/random.js';
import { serveMediaThread } from '../media-thread.js';
import { PromptLibrary } from '../prompt/prompt-library.js';
import type { RtpengineThreadOptions } from '../worker-messages.js';
import { listenForDigits } from './dtmf-log.js';
import { NgClient } from './ng-client.js';
import { RtpengineEngine } from './rtpengine-engine.js';

/** The entry of the thread that steers one rtpengine. It ends with an error when that one cannot be reached. */
async function run(control: MessagePort, options: RtpengineThreadOptions): Promise<void> {
  const { node } = options;
  const log = createLogger(`media-${options.index}`, options.logLevel);
  const ng = await NgClient.open({ ...node, clock: realClock, random: secureRandom() });
  try {
    await ng.ask({ command: 'ping' });
  } catch (error) {
    ng.close();
    throw error;
  }
  const engine = new RtpengineEngine({
    ng,
    clock: realClock,
    prompts: new PromptLibrary(),
    log,
    onLost: (cause) => {
      // The control thread sees an uncaught error, tells why, and starts this thread again.
      setImmediate(() => {
        throw new Error(cause);
      });
    },
  });
  const digits = node.dtmf
    ? await listenForDigits(node.dtmf, node.address, (seen) => {
        engine.digitSeen(seen);
      })
    : null;
  serveMediaThread(control, {
    execute: (command, reply) => {
      engine.execute(command, reply);
    },
    dropReply: (reply) => {
      engine.dropReply(reply);
    },
    attachRecorder: (port) => {
      engine.attachRecorder(port);
    },
    stats: () => engine.stats(),
    close: () => {
      digits?.close();
      engine.close();
    },
  });
}

if (parentPort) await run(parentPort, workerData as RtpengineThreadOptions);
