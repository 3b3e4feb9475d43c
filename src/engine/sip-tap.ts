import type { Clock } from '../common/clock.js';
import type { Destination, Source } from '../sip/transaction/transport.js';
import type { EngineTransport } from './engine-options.js';
import type { Listener } from './transport/listener.js';

/** One SIP message as it went by. `timeMs` is Unix time; `raw` is the whole message. */
export interface TappedMessage {
  readonly timeMs: number;
  readonly direction: 'in' | 'out';
  readonly transport: EngineTransport;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly raw: Buffer;
}

/** So many messages, and bytes of them, are shown in one second: whoever reads the tap must not be flooded. */
const MOST_PER_S = 10_000;
const MOST_BYTES_PER_S = 32 * 1024 * 1024;

/** Shows every message to a listener while it is on, and costs a comparison while it is off. */
export class SipTap {
  readonly #clock: Clock;
  #listener: ((message: TappedMessage) => void) | undefined;
  #second = 0;
  #shown = 0;
  #shownBytes = 0;
  #dropped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Messages that were not shown, as there were too many in a second. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sets or, with undefined, removes the one listener. It must not throw and must not change `raw`. */
  onMessage(listener: ((message: TappedMessage) => void) | undefined): void {
    this.#listener = listener;
  }

  incoming(raw: Buffer, source: Source): void {
    if (!this.#listener) return;
    const timeMs = this.#clock.wallMs();
    if (!this.#hasRoom(timeMs, raw.length)) return;
    this.#listener({
      timeMs,
      direction: 'in',
      transport: source.transport,
      localAddress: source.localAddress ?? '',
      localPort: source.localPort ?? 0,
      remoteAddress: source.address,
      remotePort: source.port,
      raw,
    });
  }

  outgoing(raw: Buffer, listener: Listener, destination: Destination): void {
    if (!this.#listener) return;
    const timeMs = this.#clock.wallMs();
    if (!this.#hasRoom(timeMs, raw.length)) return;
    this.#listener({
      timeMs,
      direction: 'out',
      transport: listener.transport,
      localAddress: listener.address,
      localPort: listener.port,
      remoteAddress: destination.address,
      remotePort: destination.port,
      raw,
    });
  }

  #hasRoom(timeMs: number, bytes: number): boolean {
    const second = Math.floor(timeMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#shown = 0;
      this.#shownBytes = 0;
    }
    if (this.#shown >= MOST_PER_S || this.#shownBytes + bytes > MOST_BYTES_PER_S) {
      this.#dropped++;
      return false;
    }
    this.#shown++;
    this.#shownBytes += bytes;
    return true;
  }
}
