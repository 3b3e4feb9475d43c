import type { SipMessage } from '../../sip/message.js';
import { serializeMessage } from '../../sip/serialize-message.js';

const CR = 0x0d;

/**
 * Remembers the bytes of the message in hand, so that an application is handed what the peer wrote, with
 * nothing changed but the `received` and `rport` of the topmost Via.
 */
export class ReceivedBytes {
  #message: SipMessage | undefined;
  #raw: Buffer | undefined;
  #via: string | undefined;

  /** To be called before the transaction layer sees the message. */
  set(message: SipMessage, raw: Buffer): void {
    this.#message = message;
    this.#raw = raw;
    this.#via = message.kind === 'request' ? message.headers.get('via') : undefined;
  }

  clear(): void {
    this.#message = undefined;
    this.#raw = undefined;
  }

  /** The message for an application. */
  of(message: SipMessage): Buffer {
    const raw = this.#raw;
    if (message !== this.#message || raw === undefined || raw[0] === CR) return serializeMessage(message);
    const noted = message.headers.get('via');
    if (this.#via === undefined || noted === undefined || noted === this.#via) return raw;
    const at = raw.indexOf(this.#via);
    // A folded Via is not found as it was read.
    if (at < 0) return serializeMessage(message);
    return Buffer.concat([
      raw.subarray(0, at),
      Buffer.from(noted),
      raw.subarray(at + Buffer.byteLength(this.#via)),
    ]);
  }
}
