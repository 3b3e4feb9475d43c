import type { Clock, Timer } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import type { KeepAliveOptions } from '../engine-options.js';

/** RFC 5626 4.4: without a word of the peer, at most 120 s apart, and each at a random time in the last fifth. */
export const STREAM_KEEP_ALIVE_MS = 120_000;
/** RFC 5626 4.4.1. */
const PONG_MS = 10_000;
/** The part of the interval that is always waited. */
const SURE_PART = 0.8;

/** What a keep-alive is built from. `ping` sends one; `lost` is called at most once. */
export interface StreamKeepAliveParts {
  readonly options: KeepAliveOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly ping: () => void;
  readonly lost: () => void;
}

/**
 * Double CRLFs on a connection that the engine opened (RFC 5626 4.4.1). A peer that has answered once must go on
 * answering; one that never has may not know them, and keeps its connection unless `pongRequired`.
 */
export class StreamKeepAlive {
  readonly #parts: StreamKeepAliveParts;
  readonly #intervalMs: number;
  #state: 'off' | 'resting' | 'asked' = 'off';
  #answers: boolean;
  #timer: Timer | undefined;

  constructor(parts: StreamKeepAliveParts) {
    this.#parts = parts;
    this.#intervalMs = parts.options.streamMs ?? STREAM_KEEP_ALIVE_MS;
    this.#answers = parts.options.pongRequired ?? false;
  }

  /** The connection is open. */
  start(): void {
    if (this.#state === 'off' && this.#intervalMs > 0) this.#rest();
  }

  onPong(): void {
    this.#answers = true;
    this.onSign();
  }

  /** Anything else came: the peer is alive. */
  onSign(): void {
    if (this.#state === 'asked') this.#rest();
  }

  /** Idempotent. */
  close(): void {
    this.#state = 'off';
    this.#timer?.cancel();
  }

  #rest(): void {
    const { clock, random } = this.#parts;
    this.#state = 'resting';
    this.#timer?.cancel();
    const waitMs = this.#intervalMs * (SURE_PART + (1 - SURE_PART) * random.fraction());
    this.#timer = clock.after(waitMs, () => {
      this.#ask();
    });
  }

  #ask(): void {
    const { clock, options, ping, lost } = this.#parts;
    this.#state = 'asked';
    this.#timer = clock.after(options.pongMs ?? PONG_MS, () => {
      if (this.#answers) {
        this.close();
        lost();
      } else {
        this.#rest();
      }
    });
    ping();
  }
}
