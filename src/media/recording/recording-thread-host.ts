import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { once } from 'node:events';
import type { Logger } from '../../common/log.js';
import type { ControlToWriter, RecordingWriterOptions } from './recording-messages.js';

const CLOSE_DEADLINE_MS = 5000;

/** The thread that writes recordings, as the control thread sees it. */
export class RecordingThread {
  readonly #worker: Worker;
  #running = true;
  #closing = false;

  private constructor(worker: Worker, log: Logger) {
    this.#worker = worker;
    let cause = 'ended by itself';
    worker.on('error', (error) => {
      cause = error.message;
    });
    worker.once('exit', () => {
      this.#running = false;
      if (!this.#closing) log.error({ code: 'recording_thread_died', cause }, 'no more calls are recorded');
    });
  }

  /** Resolves when files that a crash left are finished; rejects when the thread cannot start. */
  static async start(options: RecordingWriterOptions, log: Logger): Promise<RecordingThread> {
    const worker = new Worker(new URL('./recording-thread.js', import.meta.url), { workerData: options });
    const thread = new RecordingThread(worker, log);
    await once(worker, 'message');
    return thread;
  }

  /** A port for one media worker, to be transferred to it; closed where the thread is gone. */
  connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    if (this.#running) this.#post({ kind: 'connect', port: port2 }, [port2]);
    else port2.close();
    return port1;
  }

  /** Finishes the files and ends the thread; idempotent. */
  async close(): Promise<void> {
    if (this.#closing || !this.#running) return;
    this.#closing = true;
    const ended = once(this.#worker, 'exit');
    this.#post({ kind: 'close' }, []);
    const late = setTimeout(() => void this.#worker.terminate(), CLOSE_DEADLINE_MS);
    await ended;
    clearTimeout(late);
  }

  #post(message: ControlToWriter, transfer: MessagePort[]): void {
    this.#worker.postMessage(message, transfer);
  }
}
