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

/** Shows every message to a listener while it is on, and costs a comparison while it is off. */
export class SipTap {
  readonly #clock: Clock;
  #listener: ((message: TappedMessage) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets or, with undefined, removes the one listener. It must not throw and must not change `raw`. */
  onMessage(listener: ((message: TappedMessage) => void) | undefined): void {
    this.#listener = listener;
  }

  incoming(raw: Buffer, source: Source): void {
    if (!this.#listener) return;
    this.#listener({
      timeMs: this.#clock.wallMs(),
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
    this.#listener({
      timeMs: this.#clock.wallMs(),
      direction: 'out',
      transport: listener.transport,
      localAddress: listener.address,
      localPort: listener.port,
      remoteAddress: destination.address,
      remotePort: destination.port,
      raw,
    });
  }
}
