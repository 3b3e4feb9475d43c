import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { once } from 'node:events';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/log.js';
import type { ControlToWriter, RecordingWriterOptions } from './recording-messages.js';

const CLOSE_DEADLINE_MS = 5000;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 10_000;
/** A thread that has lived so long died of something else than the one before it. */
const SETTLED_MS = 60_000;

/** The thread that writes recordings, as the control thread sees it; one that dies is replaced. */
export class RecordingThread {
  readonly #options: RecordingWriterOptions;
  readonly #log: Logger;
  /** Null while it is being replaced. */
  #worker: Worker | null = null;
  #onReplaced: () => void = () => undefined;
  #retry: NodeJS.Timeout | null = null;
  #starting: Promise<void> = Promise.resolve();
  #delayMs = FIRST_RETRY_MS;
  #closing = false;

  private constructor(options: RecordingWriterOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  /** Resolves when files that a crash left are finished; rejects when the thread cannot start. */
  static async start(options: RecordingWriterOptions, log: Logger): Promise<RecordingThread> {
    const thread = new RecordingThread(options, log);
    await thread.#start();
    return thread;
  }

  /** Called when another thread has taken the place of a dead one: every media worker needs a new port then. */
  onReplaced(listener: () => void): void {
    this.#onReplaced = listener;
  }

  /** A port for one media worker, to be transferred to it; closed where the thread is gone. */
  connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    if (this.#worker) post(this.#worker, { kind: 'connect', port: port2 }, [port2]);
    else port2.close();
    return port1;
  }

  /** Ends the thread at once, as a fault of its would: for tests. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** Finishes the files and ends the thread; idempotent. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#retry) clearTimeout(this.#retry);
    await this.#starting;
    const worker = this.#worker;
    if (!worker) return;
    const ended = once(worker, 'exit');
    post(worker, { kind: 'close' }, []);
    const late = setTimeout(() => void worker.terminate(), CLOSE_DEADLINE_MS);
    await ended;
    clearTimeout(late);
  }

  async #start(): Promise<void> {
    const worker = new Worker(new URL('./recording-thread.js', import.meta.url), {
      workerData: this.#options,
    });
    let cause = 'ended by itself';
    const failed = once(worker, 'exit').then(() => Promise.reject(new Error(cause)));
    worker.on('error', (error) => {
      cause = error.message;
    });
    await Promise.race([new Promise((resolve) => worker.once('message', resolve)), failed]);
    const readyAtMs = performance.now();
    this.#worker = worker;
    failed.catch(() => {
      this.#worker = null;
      if (this.#closing) return;
      this.#log.error(
        { code: 'recording_thread_died', cause },
        'the thread that writes recordings died: it is replaced, those that run go on in another file',
      );
      if (performance.now() - readyAtMs > SETTLED_MS) this.#delayMs = FIRST_RETRY_MS;
      this.#replaceLater();
    });
  }

  #replaceLater(): void {
    this.#retry = setTimeout(() => {
      this.#starting = this.#replace();
    }, this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_RETRY_MS);
  }

  async #replace(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      this.#log.error(
        { cause: messageOf(error) },
        'the thread that writes recordings cannot be replaced yet',
      );
      if (!this.#closing) this.#replaceLater();
      return;
    }
    if (this.#closing) return;
    this.#log.info({}, 'the thread that writes recordings is replaced');
    this.#onReplaced();
  }
}

function post(worker: Worker, message: ControlToWriter, transfer: MessagePort[]): void {
  worker.postMessage(message, transfer);
}
