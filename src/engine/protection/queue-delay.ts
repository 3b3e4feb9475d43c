import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../../common/clock.js';

const PROBE_EVERY_MS = 50;
/** A probe that is this late is taken for lost: the queue it was to wait in was full, or it never got there. */
const LOST_MS = 2_000;
/** As many lost in a row mean that probes do not get through at all, by a packet filter say: then nothing is known. */
const GIVE_UP_AFTER = 5;
const COOKIE_BYTES = 16;

/**
 * How long a datagram waits in the kernel before this thread reads it. The event loop itself is never late under load,
 * as it reads a few datagrams per turn, so the queue is measured from within: a probe is sent to the listener every
 * 50 ms, and what it is late by, everything that arrived with it is late by.
 */
export class QueueDelay {
  readonly #clock: Clock;
  readonly #cookie = randomBytes(COOKIE_BYTES);
  readonly #socket: Socket;
  readonly #port: number;
  readonly #address: string;
  #timer: Timer | undefined;
  #sentMs: number | undefined;
  #lastMs = 0;
  #beforeMs = 0;
  #lost = 0;
  #closed = false;

  /** Probes the UDP listener that is bound there; a wildcard address is reached over loopback. */
  constructor(clock: Clock, address: string, port: number) {
    this.#clock = clock;
    this.#port = port;
    const six = isIPv6(address);
    this.#address = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
    this.#socket = createSocket(six ? 'udp6' : 'udp4');
    // A probe that cannot be sent is a lost one.
    this.#socket.on('error', () => undefined);
    this.#socket.unref();
    this.#arm();
  }

  /**
   * Milliseconds that the latest two probes waited at least, or have been waiting: one alone may have met a pause of this
   * thread. 0 where probes do not get through.
   */
  get delayMs(): number {
    if (this.#lost >= GIVE_UP_AFTER) return 0;
    const waiting = this.#sentMs === undefined ? 0 : this.#clock.now() - this.#sentMs;
    return Math.max(Math.min(this.#beforeMs, this.#lastMs), Math.min(this.#lastMs, waiting));
  }

  /** Whether the datagram was a probe: then it is nobody else's. */
  take(raw: Buffer): boolean {
    if (raw.length !== COOKIE_BYTES || !raw.equals(this.#cookie)) return false;
    if (this.#sentMs !== undefined) this.#note(this.#clock.now() - this.#sentMs);
    this.#sentMs = undefined;
    this.#lost = 0;
    return true;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#socket.close();
  }

  #note(delayMs: number): void {
    this.#beforeMs = this.#lastMs;
    this.#lastMs = delayMs;
  }

  #arm(): void {
    this.#timer = this.#clock.after(PROBE_EVERY_MS, () => {
      this.#arm();
      this.#probe();
    });
  }

  #probe(): void {
    const now = this.#clock.now();
    if (this.#sentMs !== undefined) {
      if (now - this.#sentMs < LOST_MS) return;
      this.#lost++;
      this.#note(LOST_MS);
    }
    this.#sentMs = now;
    this.#socket.send(this.#cookie, this.#port, this.#address, () => undefined);
  }
}
