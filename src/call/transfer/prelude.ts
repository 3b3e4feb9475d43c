import type { CallHost } from '../call-host.js';
import type { Leg } from '../leg/leg.js';

/** A prompt to the caller that never ends must not hold the transfer. */
const ANNOUNCE_WITHIN_MS = 60_000;
const BEFORE = 'announce-before';

/** What comes before the first attempt: the bot ends its sentence within a bound, then the caller is told. */
export class Prelude {
  readonly #host: CallHost;
  readonly #incumbent: () => Leg | null;
  readonly #done: () => void;
  #step: 'new' | 'finishing' | 'announcing' | 'over' = 'new';

  constructor(host: CallHost, incumbent: () => Leg | null, done: () => void) {
    this.#host = host;
    this.#incumbent = incumbent;
    this.#done = done;
  }

  /** False where there is nothing to wait for: then `done` is not called. */
  start(): boolean {
    const { context, roles } = this.#host;
    const { botFinishMs, announceBeforeFile } = context.project.transfer;
    if (!roles.caller?.up) return false;
    const bot = this.#incumbent();
    if (botFinishMs > 0 && bot?.up && bot === roles.bot) {
      this.#step = 'finishing';
      context.timers.start('transfer.finish', botFinishMs, () => this.#announce());
      return true;
    }
    if (announceBeforeFile === null) return false;
    this.#announce();
    return true;
  }

  /** The bot says that it is done, or it left. False where nobody waited for that. */
  botDone(): boolean {
    if (this.#step !== 'finishing') return false;
    this.#announce();
    return true;
  }

  played(promptId: string): void {
    if (this.#step === 'announcing' && promptId === BEFORE) this.#over();
  }

  /** Idempotent; `done` is not called any more. */
  stop(): void {
    for (const name of ['transfer.finish', 'transfer.before']) this.#host.context.timers.stop(name);
    this.#step = 'over';
  }

  #announce(): void {
    const { bridge, context, roles } = this.#host;
    const file = context.project.transfer.announceBeforeFile;
    if (file === null || !roles.caller?.up) {
      this.#over();
      return;
    }
    context.timers.stop('transfer.finish');
    this.#step = 'announcing';
    const bot = this.#incumbent();
    if (bot?.up) bridge.play(bot, { kind: 'silence' });
    bridge.play(roles.caller, { kind: 'file', file, promptId: BEFORE });
    context.timers.start('transfer.before', ANNOUNCE_WITHIN_MS, () => this.#over());
  }

  #over(): void {
    if (this.#step === 'over') return;
    this.stop();
    this.#done();
  }
}
