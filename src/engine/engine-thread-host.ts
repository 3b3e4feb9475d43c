import { Worker } from 'node:worker_threads';
import { assertUnreachable } from '../common/assert.js';
import { messageOf, RelevoError } from '../common/errors.js';
import type { LogLevel } from '../common/log.js';
import type { EngineListener } from './engine.js';
import type { EngineOptions, TlsPeerOptions } from './engine-options.js';
import type {
  EngineThreadCommand,
  EngineThreadData,
  EngineThreadMessage,
  EngineThreadStats,
} from './engine-thread-messages.js';
import type { TappedMessage } from './sip-tap.js';
import { unpackTap } from './tap-batch.js';

/** An engine in a thread of its own. The same as `Engine`, but that its counters take a round trip. */
export interface EngineThread {
  readonly controlPort: number;
  readonly listeners: readonly EngineListener[];
  stats(): Promise<EngineThreadStats>;
  /** Turns the tap on or off; batches go to `onTap`. */
  setTap(on: boolean): void;
  /** Reads the certificates of the listeners again. */
  reloadCertificates(): void;
  /** Meets peers by these settings from now on, on new connections. */
  setTlsPeers(peers: readonly TlsPeerOptions[]): void;
  /** Besides those of the options, these addresses and blocks are touched by no ban and no rate of a source. */
  setTrusted(blocks: readonly string[]): void;
  /** Closes the engine and ends the thread. Idempotent. */
  close(): Promise<void>;
}

/** What the starter of the thread wants to hear. */
export interface EngineThreadEvents {
  readonly logLevel?: LogLevel;
  /** Messages that went by, oldest first, every 20 ms while the tap is on. */
  onTap?(messages: readonly TappedMessage[]): void;
  /** The thread ended although nobody asked it to. */
  onFailure?(error: RelevoError): void;
}

const RESTART = 'Restart the node; the log of the engine says what happened before.';

/** Starts the engine in a worker thread. Rejects as `startEngine` does. */
export async function startEngineThread(
  options: EngineOptions,
  events: EngineThreadEvents = {},
): Promise<EngineThread> {
  const data: EngineThreadData = { options, logLevel: events.logLevel ?? 'info' };
  const worker = new Worker(new URL('./engine-thread.js', import.meta.url), {
    workerData: data,
    name: 'engine',
  });
  const send = (command: EngineThreadCommand): void => {
    worker.postMessage(command);
  };
  const waiting = new Map<
    number,
    { resolve: (stats: EngineThreadStats) => void; reject: (error: Error) => void }
  >();
  let nextRequestId = 1;
  let closing = false;

  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      resolve();
    });
  });

  const ready = await new Promise<Extract<EngineThreadMessage, { type: 'ready' }>>((resolve, reject) => {
    let failure: RelevoError | undefined;
    let started = false;
    worker.on('error', (error) => {
      failure ??= new RelevoError('engine_failed', `the engine failed: ${messageOf(error)}`, RESTART, {
        cause: error,
      });
    });
    worker.once('exit', (code) => {
      failure ??= new RelevoError('engine_failed', `the engine's thread ended (${code})`, RESTART);
      for (const { reject: refuse } of waiting.values()) refuse(failure);
      waiting.clear();
      if (!started) reject(failure);
      else if (!closing) events.onFailure?.(failure);
    });
    worker.on('message', (message: EngineThreadMessage) => {
      switch (message.type) {
        case 'ready':
          started = true;
          resolve(message);
          return;
        case 'fatal':
          failure = new RelevoError(message.code, message.message, message.remedy);
          return;
        case 'tap':
          events.onTap?.(unpackTap(message.batch));
          return;
        case 'stats':
          waiting.get(message.requestId)?.resolve(message.stats);
          waiting.delete(message.requestId);
          return;
        case 'closed':
          return;
        default:
          assertUnreachable(message, 'message of the engine thread');
      }
    });
  });

  return {
    controlPort: ready.controlPort,
    listeners: ready.listeners,
    stats: () =>
      new Promise((resolve, reject) => {
        if (closing) {
          reject(new RelevoError('engine_closed', 'the engine is closed', 'Ask before closing it.'));
          return;
        }
        const requestId = nextRequestId++;
        waiting.set(requestId, { resolve, reject });
        send({ type: 'getStats', requestId });
      }),
    setTap: (on) => {
      send({ type: 'setTap', on });
    },
    reloadCertificates: () => {
      send({ type: 'reloadCertificates' });
    },
    setTlsPeers: (peers) => {
      send({ type: 'setTlsPeers', peers });
    },
    setTrusted: (blocks) => {
      send({ type: 'setTrusted', blocks });
    },
    close: () => {
      if (!closing) {
        closing = true;
        send({ type: 'close' });
      }
      return exited;
    },
  };
}
