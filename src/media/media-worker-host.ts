import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { RelevoError } from '../common/errors.js';
import type { LogLevel } from '../common/log.js';
import type {
  ControlToMediaWorker,
  MediaWorkerOptions,
  MediaWorkerStats,
  MediaWorkerToControl,
  PortRange,
  RtpengineThreadOptions,
} from './worker-messages.js';
import { splitPortRange } from './worker/port-allocator.js';

const STATS_DEADLINE_MS = 2000;
const CLOSE_DEADLINE_MS = 2000;

export interface MediaWorkersOptions {
  readonly count: number;
  /** IPv4 address to bind to. */
  readonly address: string;
  /** IPv6 address to bind to; null for none. */
  readonly address6?: string | null;
  /** Split among the workers; each leg takes two ports. */
  readonly portRange: PortRange;
  readonly logLevel: LogLevel;
  /** Audio in one direction alone for so long is told of; 10 s where it is not given. */
  readonly oneWayAudioAfterMs?: number;
  /** Makes the port of one worker to the thread that writes recordings; none are written without. */
  readonly recorder?: () => MessagePort;
}

/** The media workers as the control thread sees them. */
export interface MediaWorkers {
  /**
   * One new port per worker, by index, to be transferred to a signalling thread. The port of a worker that has
   * ended is closed at the far side.
   */
  connect(): MessagePort[];
  /** Of the workers that run and answer in time, by rising index. */
  stats(): Promise<MediaWorkerStats[]>;
  /** Hands over ports to another thread that writes recordings, in the place of the one before. */
  record(recorder: () => MessagePort): void;
  /** Called when a worker ends without having been closed. */
  onExit(listener: (index: number, cause: string) => void): void;
  /** Ends the threads at once, as a fault of theirs would: for tests. */
  kill?(): Promise<void>;
  /** Ends the threads; idempotent. */
  close(): Promise<void>;
}

/** Starts the media worker threads; resolves when all are ready, rejects (RelevoError) when one cannot start. */
export function startMediaWorkers(options: MediaWorkersOptions): Promise<MediaWorkers> {
  const { address, address6 = null, logLevel, oneWayAudioAfterMs } = options;
  const plans = splitPortRange(options.portRange, options.count).map((ports, index): ThreadPlan => ({
    entry: './worker/media-worker.js',
    options: {
      ...{ index, address, address6, ports, logLevel },
      ...(oneWayAudioAfterMs !== undefined && { oneWayAudioAfterMs }),
    },
  }));
  return startThreads(plans, options.recorder);
}

/** Starts the thread that steers one rtpengine; rejects (RelevoError) when that one does not answer. */
export function startRtpengineLink(options: RtpengineThreadOptions): Promise<MediaWorkers> {
  return startThreads([{ entry: './rtpengine/rtpengine-thread.js', options }]);
}

async function startThreads(
  plans: readonly ThreadPlan[],
  recorder?: () => MessagePort,
): Promise<MediaWorkers> {
  const exits: ((index: number, cause: string) => void)[] = [];
  const threads = plans.map(
    (plan, index) =>
      new MediaThread(plan, (cause) => {
        for (const listener of exits) listener(index, cause);
      }),
  );
  const close = async (): Promise<void> => {
    await Promise.all(threads.map((thread) => thread.close()));
  };
  try {
    await Promise.all(threads.map((thread) => thread.ready));
  } catch (error) {
    await close();
    throw error;
  }
  if (recorder) for (const thread of threads) thread.record(recorder());
  return {
    connect: () => threads.map((thread) => thread.connect()),
    stats: async () => {
      const all = await Promise.all(threads.map((thread) => thread.stats()));
      return all.filter((stats) => stats !== null);
    },
    record: (another) => {
      for (const thread of threads) thread.record(another());
    },
    onExit: (listener) => {
      exits.push(listener);
    },
    kill: async () => {
      await Promise.all(threads.map((thread) => thread.kill()));
    },
    close,
  };
}

/** What runs in a media thread. */
type ThreadPlan =
  | { readonly entry: './worker/media-worker.js'; readonly options: MediaWorkerOptions }
  | { readonly entry: './rtpengine/rtpengine-thread.js'; readonly options: RtpengineThreadOptions };

/** One worker thread and its control port. */
class MediaThread {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, (stats: MediaWorkerStats | null) => void>();
  #requests = 0;
  #running = true;
  #closing = false;

  constructor({ entry, options }: ThreadPlan, onExit: (cause: string) => void) {
    this.#worker = new Worker(new URL(entry, import.meta.url), { workerData: options });
    let cause = 'ended by itself';
    this.#worker.on('error', (error) => {
      cause = error.message;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#running = false;
        for (const answer of this.#waiting.values()) answer(null);
        this.#waiting.clear();
        resolve();
        if (!this.#closing) onExit(cause);
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: MediaWorkerToControl) => {
        if (message.kind === 'ready') resolve();
        else this.#answer(message.requestId, message.stats);
      });
      void this.#ended.then(() => {
        const remedy = 'See the log of the thread; check address, ports and nodes of the media section.';
        reject(new RelevoError('media_worker_start', `media worker ${options.index}: ${cause}`, remedy));
      });
    });
  }

  connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    if (this.#running) this.#post({ kind: 'connect', port: port2 }, [port2]);
    else port2.close();
    return port1;
  }

  /** Hands over the port to the thread that writes recordings. */
  record(port: MessagePort): void {
    if (this.#running) this.#post({ kind: 'recorder', port }, [port]);
    else port.close();
  }

  stats(): Promise<MediaWorkerStats | null> {
    if (!this.#running) return Promise.resolve(null);
    const requestId = ++this.#requests;
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#answer(requestId, null);
      }, STATS_DEADLINE_MS);
      this.#waiting.set(requestId, (stats) => {
        clearTimeout(late);
        resolve(stats);
      });
      this.#post({ kind: 'getStats', requestId }, []);
    });
  }

  async kill(): Promise<void> {
    await this.#worker.terminate();
    await this.#ended;
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      if (this.#running) this.#post({ kind: 'close' }, []);
    }
    const late = setTimeout(() => {
      void this.#worker.terminate();
    }, CLOSE_DEADLINE_MS);
    await this.#ended;
    clearTimeout(late);
  }

  #answer(requestId: number, stats: MediaWorkerStats | null): void {
    this.#waiting.get(requestId)?.(stats);
    this.#waiting.delete(requestId);
  }

  #post(message: ControlToMediaWorker, transfer: MessagePort[]): void {
    this.#worker.postMessage(message, transfer);
  }
}
