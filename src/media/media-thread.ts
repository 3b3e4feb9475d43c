import type { MessagePort } from 'node:worker_threads';
import { assertUnreachable } from '../common/assert.js';
import { ThreadLoad, type ThreadLoadReading } from '../common/thread-load.js';
import { MessageBatch } from './message-batch.js';
import type {
  ControlToMediaWorker,
  FromMediaWorker,
  MediaWorkerStats,
  MediaWorkerToControl,
  ToMediaWorker,
} from './worker-messages.js';

/** Where the answers of a signalling thread's commands go. */
export type Reply = (message: FromMediaWorker) => void;

/** What a media thread does with its commands: relays itself, or steers an rtpengine. */
export interface MediaThreadEngine {
  /** Carries out one command; commands for unknown legs are ignored. Never throws. */
  execute(command: ToMediaWorker, reply: Reply): void;
  /** Closes the legs that were opened with this reply: its signalling thread is gone. */
  dropReply(reply: Reply): void;
  /** Recordings are written by a thread of their own, over this port. */
  attachRecorder(port: MessagePort): void;
  stats(): Omit<MediaWorkerStats, keyof ThreadLoadReading>;
  /** Frees everything without a word: the signalling side sees its port close. Idempotent. */
  close(): void;
}

/** Serves the control thread and the signalling threads until told to close. */
export function serveMediaThread(control: MessagePort, engine: MediaThreadEngine): void {
  const load = new ThreadLoad();
  const connections = new Set<MessageBatch<FromMediaWorker>>();

  const connect = (port: MessagePort): void => {
    const replies = new MessageBatch<FromMediaWorker>(port);
    const reply: Reply = (message) => {
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

  const tellControl = (message: MediaWorkerToControl): void => {
    control.postMessage(message);
  };

  control.on('message', (message: ControlToMediaWorker) => {
    switch (message.kind) {
      case 'connect':
        connect(message.port);
        return;
      case 'recorder':
        engine.attachRecorder(message.port);
        return;
      case 'getStats':
        tellControl({
          kind: 'stats',
          requestId: message.requestId,
          stats: { ...engine.stats(), ...load.read() },
        });
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
