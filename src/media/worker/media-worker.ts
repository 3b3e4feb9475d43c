import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { realClock } from '../../common/clock.js';
import { createLogger } from '../../common/log.js';
import { secureRandom } from '../../common/random.js';
import { serveMediaThread } from '../media-thread.js';
import { PromptLibrary } from '../prompt/prompt-library.js';
import type { MediaWorkerOptions } from '../worker-messages.js';
import { MediaEngine } from './media-engine.js';

/** The entry of a media worker thread. */
function run(control: MessagePort, options: MediaWorkerOptions): void {
  const { index, address, address6, ports, logLevel, oneWayAudioAfterMs } = options;
  const log = createLogger(`media-${index}`, logLevel);
  const prompts = new PromptLibrary();
  const clock = realClock;
  const engine = new MediaEngine({
    ...{ address, address6, ports, clock, random: secureRandom(), prompts, log },
    ...(oneWayAudioAfterMs !== undefined && { oneWayAudioAfterMs }),
  });
  serveMediaThread(control, engine);
}

if (parentPort) run(parentPort, workerData as MediaWorkerOptions);
