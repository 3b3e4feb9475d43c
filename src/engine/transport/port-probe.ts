import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../../common/clock.js';
import { BoundedMap } from '../protection/bounded-map.js';
import { isWildcard } from './make-listener.js';

/** Where to look, and from which of our addresses. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  readonly localAddress?: string;
}

const ANSWER_MS = 1_000;
const AGAIN_MS = 2_000;
const AT_ONCE = 100;
const REMEMBERED = 1_000;
const UNREACHABLE: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);
/** Nothing to a SIP element (RFC 3261 7.5). */
const NOTHING = Buffer.from('\r\n\r\n');

/**
 * Finds out whether a UDP port is closed. Node tells of ICMP "port unreachable" on connected sockets only, and the
 * listening sockets are none; so a socket of its own is connected to a target that does not answer, and sends an empty
 * line. A peer that is heard of after its port was said to be closed hides behind a filter, and is not asked again.
 */
export class PortProbe {
  readonly #clock: Clock;
  readonly #closed: (target: ProbeTarget) => void;
  readonly #running = new Map<string, { socket: Socket; timer: Timer }>();
  readonly #asked = new BoundedMap<{ atMs: number }>(REMEMBERED);
  readonly #refused = new Set<string>();
  readonly #filtered = new Set<string>();
  #count = 0;

  /** `closed` hears of ports that are. */
  constructor(clock: Clock, closed: (target: ProbeTarget) => void) {
    this.#clock = clock;
    this.#closed = closed;
  }

  /** Ports that were found closed. */
  get closedPorts(): number {
    return this.#count;
  }

  /** Whether what comes in is to be shown to `heard`. */
  get doubts(): boolean {
    return this.#refused.size > 0;
  }

  /** Something came from there, so its port is not closed. */
  heard(from: { address: string; port: number }): void {
    const key = keyOf(from);
    if (!this.#refused.delete(key)) return;
    if (this.#filtered.size >= REMEMBERED) this.#filtered.clear();
    this.#filtered.add(key);
  }

  /** Asks, unless it was just asked. */
  ask(target: ProbeTarget): void {
    const key = keyOf(target);
    if (this.#running.has(key) || this.#running.size >= AT_ONCE || this.#filtered.has(key)) return;
    const now = this.#clock.now();
    const asked = this.#asked.obtain(key, () => ({ atMs: -AGAIN_MS }));
    if (now - asked.atMs < AGAIN_MS) return;
    asked.atMs = now;
    const socket = createSocket(isIPv6(target.address) ? 'udp6' : 'udp4');
    const end = (): void => {
      this.#running.get(key)?.timer.cancel();
      if (this.#running.delete(key)) socket.close();
    };
    this.#running.set(key, { socket, timer: this.#clock.after(ANSWER_MS, end) });
    socket.on('message', end);
    socket.on('error', (error) => {
      if (!this.#running.has(key)) return;
      end();
      if ('code' in error && UNREACHABLE.has(String(error.code))) this.#onClosed(key, target);
    });
    const { localAddress } = target;
    const bound = localAddress === undefined || isWildcard(localAddress) ? {} : { address: localAddress };
    // Without a callback, so that what fails is an `error` event.
    socket.once('connect', () => {
      if (this.#running.has(key)) socket.send(NOTHING);
    });
    socket.bind({ port: 0, ...bound }, () => {
      if (this.#running.has(key)) socket.connect(target.port, target.address);
    });
  }

  /** Idempotent. */
  close(): void {
    for (const { socket, timer } of this.#running.values()) {
      timer.cancel();
      socket.close();
    }
    this.#running.clear();
  }

  #onClosed(key: string, target: ProbeTarget): void {
    this.#count++;
    if (this.#refused.size >= REMEMBERED) this.#refused.clear();
    this.#refused.add(key);
    this.#closed(target);
  }
}

function keyOf({ address, port }: { address: string; port: number }): string {
  return `${address} ${port}`;
}
