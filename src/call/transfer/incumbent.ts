import type { CallHost } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { Leg } from '../leg/leg.js';
import type { TransferMode } from '../vocabulary.js';
import { playWaiting } from './waiting.js';

/** Whoever talked to the caller when the transfer began: the bot, or a person. It stays until the outcome is certain. */
export class Incumbent {
  readonly #host: CallHost;
  #leg: Leg | null;
  /** The caller goes on talking to it while the person is being reached. */
  #withCaller = false;

  constructor(host: CallHost) {
    this.#host = host;
    this.#leg = host.roles.agent ?? host.roles.bot;
  }

  /** Null once it is gone. */
  get leg(): Leg | null {
    return this.#leg;
  }
  /** The leg that can speak to the person. */
  get speaker(): Leg | null {
    return this.#leg?.up === true ? this.#leg : null;
  }

  /** The caller hears what it is to hear while it waits. */
  wait(mode: TransferMode): void {
    this.#withCaller = playWaiting(this.#host, mode, this.#leg);
  }

  /** Another leg took its place (RFC 3891). */
  replaced(leg: Leg, by: Leg): void {
    if (this.#leg === leg) this.#leg = by;
  }

  /** Its leg has ended. */
  lost(): void {
    this.#leg = null;
  }

  /** Its leg has ended: a caller that was talking to it hears music. */
  missed(): void {
    const { caller } = this.#host.roles;
    if (!caller?.up || !this.#withCaller) return;
    this.#withCaller = false;
    this.#host.bridge.play(caller, this.#host.music());
  }

  /** The caller was handed over: BYE. */
  release(): void {
    const { roles } = this.#host;
    const leaving = this.#leg;
    this.#leg = null;
    if (!leaving) return;
    if (roles.bot === leaving) roles.bot = null;
    if (roles.agent === leaving) roles.agent = null;
    this.#host.bridge.play(leaving, { kind: 'silence' });
    leaving.release({ headers: reasonHeader(200, 'Call transferred') });
  }
}
