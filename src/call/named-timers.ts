import type { CallCommand } from './call-io.js';

/** The timers of one call: names on the outside, what to do on the inside. All end with the call. */
export class NamedTimers {
  readonly #emit: (command: CallCommand) => void;
  readonly #armed = new Map<string, () => void>();

  constructor(emit: (command: CallCommand) => void) {
    this.#emit = emit;
  }

  /** (Re)starts the timer; `afterMs` >= 0. */
  start(name: string, afterMs: number, fire: () => void): void {
    this.#armed.set(name, fire);
    this.#emit({ port: 'timer', name, afterMs });
  }

  stop(name: string): void {
    if (this.#armed.delete(name)) this.#emit({ port: 'timer', name, afterMs: null });
  }

  stopAll(): void {
    for (const name of [...this.#armed.keys()]) this.stop(name);
  }

  /** A timer ran out; false where it was stopped in the meantime. */
  fired(name: string): boolean {
    const fire = this.#armed.get(name);
    if (!fire) return false;
    this.#armed.delete(name);
    fire();
    return true;
  }

  get armed(): readonly string[] {
    return [...this.#armed.keys()];
  }
}
