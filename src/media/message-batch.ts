import type { MessagePort } from 'node:worker_threads';

/**
 * Sends what is posted while one event is handled as one message: a message between threads costs far more than
 * what it carries. The order is kept; the receiver gets an array. It leaves before anything that the handler of
 * the event started can come back, so that a worker knows a peer before the peer knows the worker.
 */
export class MessageBatch<T> {
  readonly #port: MessagePort;
  #pending: T[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
  }

  post(message: T): void {
    this.#pending.push(message);
    if (this.#pending.length > 1) return;
    queueMicrotask(() => {
      this.#flush();
    });
  }

  /** Sends what waits and closes the port. Idempotent. */
  close(): void {
    this.#flush();
    this.#port.close();
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const messages = this.#pending;
    this.#pending = [];
    this.#port.postMessage(messages);
  }
}
