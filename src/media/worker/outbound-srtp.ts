import { SrtpSender } from '../../rtp/srtp/srtp-sender.js';
import type { SrtpSettings } from '../worker-messages.js';

/** More than the suites of an offer, among which the answers of several branches may change. */
const REMEMBERED = 4;

/** Under what a leg sends: a key that comes again goes on with its counters, so that no keystream is used twice. */
export class OutboundSrtp {
  readonly #senders = new Map<string, SrtpSender>();
  /** Null for plain RTP. */
  sender: SrtpSender | null = null;

  configure(settings: SrtpSettings | null): void {
    const id = settings ? `${settings.suite} ${settings.sendKey}` : null;
    if (!settings || id === null) {
      this.sender = null;
      return;
    }
    this.sender =
      this.#senders.get(id) ?? new SrtpSender(settings.suite, Buffer.from(settings.sendKey, 'base64'));
    this.#senders.delete(id);
    this.#senders.set(id, this.sender);
    const [oldest] = this.#senders.keys();
    if (this.#senders.size > REMEMBERED && oldest !== undefined) this.#senders.delete(oldest);
  }
}
