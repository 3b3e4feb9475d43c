import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { assertUnreachable } from '../../common/assert.js';
import { realClock } from '../../common/clock.js';
import { createLogger } from '../../common/log.js';
import { ThreadLoad } from '../../common/thread-load.js';
import { secureRandom } from '../../common/random.js';
import { MessageBatch } from '../message-batch.js';
import { PromptLibrary } from '../prompt/prompt-library.js';
import type {
  ControlToMediaWorker,
  FromMediaWorker,
  MediaWorkerOptions,
  MediaWorkerStats,
  MediaWorkerToControl,
  ToMediaWorker,
} from '../worker-messages.js';
import { MediaEngine } from './media-engine.js';

/** The entry of a media worker thread. */
function run(control: MessagePort, options: MediaWorkerOptions): void {
  const log = createLogger(`media-${options.index}`, options.logLevel);
  const load = new ThreadLoad();
  const engine = new MediaEngine({
    address: options.address,
    address6: options.address6,
    ports: options.ports,
    clock: realClock,
    random: secureRandom(),
    prompts: new PromptLibrary(),
    log,
  });
  const connections = new Set<MessageBatch<FromMediaWorker>>();

  const connect = (port: MessagePort): void => {
    const replies = new MessageBatch<FromMediaWorker>(port);
    const reply = (message: FromMediaWorker): void => {
      replies.post(message);
    };
    connections.add(replies);
    port.on('message', (commands: readonly ToMediaWorker[]) => {
      for (const command of commands) engine.execute(command, reply);
    });
    port.on('close', () => {
      connections.delete(replies);
      engine.dropReply(reply);
    });
  };

  const stats = (): MediaWorkerStats => {
    return {
      legs: engine.legCount,
      portsInUse: engine.portsInUse,
      portsTotal: engine.portsTotal,
      ...engine.counters,
      ...load.read(),
    };
  };

  const tellControl = (message: MediaWorkerToControl): void => {
    control.postMessage(message);
  };

  control.on('message', (message: ControlToMediaWorker) => {
    switch (message.kind) {
      case 'connect':
        connect(message.port);
        return;
      case 'recorder':
        engine.recordings.attach(message.port);
        return;
      case 'getStats':
        tellControl({ kind: 'stats', requestId: message.requestId, stats: stats() });
        return;
      case 'close':
        engine.close();
        load.close();
        for (const replies of connections) replies.close();
        control.close();
        return;
      default:
        assertUnreachable(message, 'message to a media worker');
    }
  });
  tellControl({ kind: 'ready' });
}

if (parentPort) run(parentPort, workerData as MediaWorkerOptions);
