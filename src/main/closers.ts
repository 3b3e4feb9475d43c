import { messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';

/** What was started, to be closed in the opposite order. */
export class Closers {
  readonly #log: Logger;
  readonly #stack: { readonly name: string; readonly close: () => Promise<void> }[] = [];
  #closing: Promise<void> | null = null;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** A part that is ready only after `closeAll` began is closed at once. */
  push(name: string, close: () => Promise<void>): void {
    this.#stack.push({ name, close });
    if (this.#closing) this.#closing = this.#closing.then(() => this.#run());
  }

  /** Closes everything, the last started first; one that fails is logged and does not stop the rest. Idempotent. */
  closeAll(): Promise<void> {
    this.#closing ??= this.#run();
    return this.#closing;
  }

  async #run(): Promise<void> {
    for (let one = this.#stack.pop(); one; one = this.#stack.pop())
      try {
        await one.close();
      } catch (error) {
        this.#log.error({ part: one.name, cause: messageOf(error) }, 'part did not close cleanly');
      }
  }
}
