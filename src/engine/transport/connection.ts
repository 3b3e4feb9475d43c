import type { Clock, Timer } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import type { EngineLimits, KeepAliveOptions } from '../engine-options.js';
import type { Source } from '../../sip/transaction/transport.js';
import type { PacketHandler } from './listener.js';
import { StreamKeepAlive } from './stream-keep-alive.js';
import type { Wire } from './wire.js';

/** Why a connection ended: by us, by the peer or the network, or as the peer answered no keep-alive. */
export type ConnectionEnd = 'given-up' | 'lost' | 'silent';

/** What a connection is built from. `onClosed` is called once. */
export interface ConnectionParts {
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly keepAlive: KeepAliveOptions;
  readonly handler: PacketHandler;
  readonly onPing: () => void;
  readonly onClosed: (connection: Connection, reason: string, end: ConnectionEnd) => void;
}

interface Waiting {
  readonly raw: Buffer;
  readonly onError: (reason: string) => void;
}

/** One connection to or from a peer, with the bounds on how long it may be half-open, half a message, idle, or deaf. */
export class Connection {
  readonly source: Source;
  /** Under which name it is found again for a destination. */
  readonly reuseKey: string;
  /** Whether the engine opened it. */
  readonly ours: boolean;
  /** Whether the peer has proved to be that host, by its certificate; undefined where it has shown none. */
  readonly speaksFor: ((host: string) => boolean) | undefined;
  readonly #wire: Wire;
  readonly #parts: ConnectionParts;
  #waiting: Waiting[] | undefined;
  #waitingBytes = 0;
  #timer: Timer | undefined;
  #partialTimer: Timer | undefined;
  #lastActiveMs: number;
  /** Set once the connection is open and has carried a message: from then on only idleness ends it. */
  #proven = false;
  #closed = false;
  #keepAlive: StreamKeepAlive | undefined;

  /**
   * `connecting` is true for a connection that the engine opens: what is sent meanwhile waits. `speaksFor` is what the
   * certificate of a peer that connected says.
   */
  constructor(
    wire: Wire,
    source: Source,
    reuseKey: string,
    connecting: boolean,
    parts: ConnectionParts,
    speaksFor?: (host: string) => boolean,
  ) {
    this.source = source;
    this.reuseKey = reuseKey;
    this.ours = connecting;
    this.speaksFor = speaksFor;
    this.#wire = wire;
    this.#parts = parts;
    this.#lastActiveMs = parts.clock.now();
    if (connecting) {
      this.#waiting = [];
      this.#arm(parts.limits.tcpConnectMs, 'no answer to the connection attempt');
    } else {
      this.#arm(parts.limits.tcpFirstMessageMs, 'no message on a new connection');
    }
    wire.start({
      onOpen: () => {
        this.#opened();
      },
      onMessage: (raw) => {
        this.#onMessage(raw);
      },
      onKeepAlive: () => {
        this.#lastActiveMs = parts.clock.now();
        this.#keepAlive?.onSign();
      },
      onPong: () => {
        this.#lastActiveMs = parts.clock.now();
        this.#keepAlive?.onPong();
      },
      onPartial: (partial) => {
        this.#onPartial(partial);
      },
      onBadBytes: (reason, raw) => {
        parts.handler.onBadBytes(source, reason, raw);
        this.close(reason);
      },
      onClosed: (reason) => {
        this.close(reason, 'lost');
      },
    });
  }

  /** Whether it is being opened still. */
  get connecting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Sends, or keeps it until the connection is open. `onError` is called at most once. */
  send(raw: Buffer, onError: (reason: string) => void): void {
    if (this.#closed) {
      onError('connection closed');
      return;
    }
    const { limits, clock } = this.#parts;
    if (this.#waiting) {
      if (this.#waitingBytes + raw.length > limits.tcpBacklogBytes) {
        onError('too much waits for this connection');
        return;
      }
      this.#waitingBytes += raw.length;
      this.#waiting.push({ raw, onError });
      return;
    }
    this.#lastActiveMs = clock.now();
    this.#wire.send(raw);
    if (this.#wire.backlogBytes > limits.tcpBacklogBytes) this.close('the peer does not read', 'lost');
  }

  /** Idempotent. */
  close(reason: string, end: ConnectionEnd = 'given-up'): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#keepAlive?.close();
    this.#partialTimer?.cancel();
    this.#wire.destroy();
    const waiting = this.#waiting ?? [];
    this.#parts.onClosed(this, reason, end);
    this.#waiting = undefined;
    for (const { onError } of waiting) onError(reason);
  }

  #opened(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    this.#lastActiveMs = this.#parts.clock.now();
    this.#watchIdle();
    this.#keepOpen();
    for (const { raw, onError } of waiting) this.send(raw, onError);
  }

  #keepOpen(): void {
    const { clock, random, keepAlive, onPing } = this.#parts;
    if (!this.#wire.ping) return;
    this.#keepAlive = new StreamKeepAlive({
      options: keepAlive,
      clock,
      random,
      ping: () => {
        onPing();
        this.#wire.ping?.();
      },
      lost: () => {
        this.close('no answer to keep-alives', 'silent');
      },
    });
    this.#keepAlive.start();
  }

  #onMessage(raw: Buffer): void {
    if (this.#closed) return;
    this.#lastActiveMs = this.#parts.clock.now();
    this.#keepAlive?.onSign();
    if (!this.#proven) this.#watchIdle();
    this.#partialTimer?.cancel();
    this.#partialTimer = undefined;
    this.#parts.handler.onPacket(raw, this.source);
  }

  #onPartial(partial: boolean): void {
    if (!partial) {
      this.#partialTimer?.cancel();
      this.#partialTimer = undefined;
    } else if (!this.#closed) {
      this.#partialTimer ??= this.#parts.clock.after(this.#parts.limits.messageMs, () => {
        this.#parts.handler.onBadBytes(this.source, 'message not complete in time');
        this.close('message not complete in time');
      });
    }
  }

  #watchIdle(): void {
    this.#proven = true;
    this.#arm(this.#parts.limits.tcpIdleMs - (this.#parts.clock.now() - this.#lastActiveMs), 'idle');
  }

  #arm(delayMs: number, reason: string): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(Math.max(0, delayMs), () => {
      const quietMs = this.#parts.clock.now() - this.#lastActiveMs;
      if (reason === 'idle' && quietMs < this.#parts.limits.tcpIdleMs) this.#watchIdle();
      else this.close(reason);
    });
  }
}
