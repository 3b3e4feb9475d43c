import type { RemoteInfo } from 'node:dgram';
import type { Clock } from '../../common/clock.js';
import type { PortAllocator } from './port-allocator.js';
import { openBoundPair, type BoundPair } from './socket-pair.js';

/** A pair is given to a new leg when nothing has come to it for so long. */
const REST_MS = 1000;
/** A pair that nobody wanted for so long is closed. */
const IDLE_MS = 20_000;
const MAX_STOCK = 1024;
/** Resting pairs that are passed over before a new one is bound. */
const MAX_TRIES = 4;

export interface PairHandlers {
  readonly onRtp: (packet: Buffer, from: RemoteInfo) => void;
  readonly onRtcp: (packet: Buffer, from: RemoteInfo) => void;
  /** A send that failed. */
  readonly onError: (error: Error) => void;
}

/** Two bound UDP sockets, RTP on an even port and RTCP on the next, lent to one leg. `close` is idempotent. */
export interface SocketPair {
  readonly rtpPort: number;
  readonly rtp: BoundPair['rtp'];
  readonly rtcp: BoundPair['rtcp'];
  close(): void;
}

/** A pair between two legs: what still comes for the leg before is read and thrown away. */
class RestingPair {
  readonly pair: BoundPair;
  readonly sinceMs: number;
  quietSinceMs: number;
  readonly #clock: Clock;
  readonly #onLate = (): void => {
    this.quietSinceMs = this.#clock.now();
  };

  constructor(pair: BoundPair, clock: Clock) {
    this.pair = pair;
    this.#clock = clock;
    this.sinceMs = clock.now();
    this.quietSinceMs = this.sinceMs;
    pair.rtp.on('message', this.#onLate);
    pair.rtcp.on('message', this.#onLate);
  }

  wake(): BoundPair {
    this.pair.rtp.off('message', this.#onLate);
    this.pair.rtcp.off('message', this.#onLate);
    return this.pair;
  }
}

/**
 * The socket pairs of a worker. To bind and close four sockets per call costs more than the rest of its set-up,
 * so a pair that a leg gave back is lent again, once it has been quiet for a second: a peer that sends on after
 * its BYE is not heard in another's call.
 */
export class SocketPairStock {
  readonly #ports: PortAllocator;
  readonly #address: string;
  readonly #clock: Clock;
  readonly #limit: number;
  /** Longest resting first. */
  #resting: RestingPair[] = [];
  #closed = false;

  constructor(ports: PortAllocator, address: string, clock: Clock) {
    this.#ports = ports;
    this.#address = address;
    this.#clock = clock;
    this.#limit = Math.min(MAX_STOCK, Math.floor(ports.total / 4));
  }

  /** Bound pairs that no leg has. */
  get size(): number {
    return this.#resting.length;
  }

  /** Lends a pair; null when no port of the range is left. */
  async take(handlers: PairHandlers): Promise<SocketPair | null> {
    const pair = this.#rested() ?? (await openBoundPair(this.#ports, this.#address)) ?? this.#any();
    if (!pair) return null;
    pair.rtp.on('message', handlers.onRtp);
    pair.rtcp.on('message', handlers.onRtcp);
    pair.rtp.on('error', handlers.onError);
    pair.rtcp.on('error', handlers.onError);
    let lent = true;
    return {
      rtpPort: pair.rtpPort,
      rtp: pair.rtp,
      rtcp: pair.rtcp,
      close: () => {
        if (!lent) return;
        lent = false;
        pair.rtp.off('message', handlers.onRtp);
        pair.rtcp.off('message', handlers.onRtcp);
        pair.rtp.off('error', handlers.onError);
        pair.rtcp.off('error', handlers.onError);
        if (this.#closed || this.#resting.length >= this.#limit) pair.close();
        else this.#resting.push(new RestingPair(pair, this.#clock));
      },
    };
  }

  /** Closes pairs that nobody wanted; to be called from time to time. */
  trim(nowMs: number): void {
    while (this.#resting[0] && nowMs - this.#resting[0].sinceMs >= IDLE_MS) {
      this.#resting.shift()!.wake().close();
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    for (const resting of this.#resting) resting.wake().close();
    this.#resting = [];
  }

  #rested(): BoundPair | null {
    const nowMs = this.#clock.now();
    for (let tries = 0; tries < Math.min(MAX_TRIES, this.#resting.length); tries++) {
      if (nowMs - this.#resting[tries]!.quietSinceMs < REST_MS) continue;
      return this.#resting.splice(tries, 1)[0]!.wake();
    }
    return null;
  }

  /** Where the range is used up, one that has not rested is better than none. */
  #any(): BoundPair | null {
    return this.#resting.shift()?.wake() ?? null;
  }
}
