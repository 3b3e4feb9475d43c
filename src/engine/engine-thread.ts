import { parentPort, workerData } from 'node:worker_threads';
import { assertUnreachable } from '../common/assert.js';
import { realClock } from '../common/clock.js';
import { messageOf, RelevoError } from '../common/errors.js';
import { createLogger } from '../common/log.js';
import { ThreadLoad } from '../common/thread-load.js';
import { startEngine } from './engine.js';
import type { EngineThreadCommand, EngineThreadData, EngineThreadMessage } from './engine-thread-messages.js';
import { packTap, TapBatch } from './tap-batch.js';

/** The entry of the engine's own thread: an engine, and the messages of `engine-thread-messages.ts`. */
async function runEngineThread(port: NonNullable<typeof parentPort>, data: EngineThreadData): Promise<void> {
  const log = createLogger('engine', data.logLevel);
  const load = new ThreadLoad();
  const post = (message: EngineThreadMessage): void => {
    port.postMessage(message);
  };
  const engine = await startEngine(data.options, { log });
  const batch = new TapBatch(realClock, (messages) => {
    const packed = packTap(messages);
    const message: EngineThreadMessage = { type: 'tap', batch: packed };
    port.postMessage(message, [packed.bytes.buffer]);
  });
  const setTap = (on: boolean): void => {
    engine.onMessage(
      on
        ? (message) => {
            batch.add(message);
          }
        : undefined,
    );
    if (!on) batch.flush();
  };
  const close = async (): Promise<void> => {
    setTap(false);
    await engine.close();
    load.close();
    post({ type: 'closed' });
    port.close();
  };
  setTap(data.options.tap);
  port.on('message', (command: EngineThreadCommand) => {
    switch (command.type) {
      case 'close':
        void close();
        return;
      case 'setTap':
        setTap(command.on);
        return;
      case 'reloadCertificates':
        engine.reloadCertificates();
        return;
      case 'setTlsPeers':
        engine.setTlsPeers(command.peers);
        return;
      case 'setTrusted':
        engine.setTrusted(command.blocks);
        return;
      case 'getStats':
        post({ type: 'stats', requestId: command.requestId, stats: { ...engine.stats(), ...load.read() } });
        return;
      default:
        assertUnreachable(command, 'command to the engine thread');
    }
  });
  post({ type: 'ready', controlPort: engine.controlPort, listeners: engine.listeners });
}

if (parentPort) {
  const port = parentPort;
  runEngineThread(port, workerData as EngineThreadData).catch((error: unknown) => {
    const fatal: EngineThreadMessage =
      error instanceof RelevoError
        ? { type: 'fatal', code: error.code, message: error.message, remedy: error.remedy }
        : {
            type: 'fatal',
            code: 'engine_failed',
            message: messageOf(error),
            remedy: 'See the log of the engine.',
          };
    port.postMessage(fatal);
    port.close();
  });
}
