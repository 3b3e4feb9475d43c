import { SrtpSender } from '../../rtp/srtp/srtp-sender.js';
import type { SrtpSettings } from '../worker-messages.js';

/** Under what a leg sends: the same key again goes on with the same counters. */
export class OutboundSrtp {
  #id: string | null = null;
  /** Null for plain RTP. */
  sender: SrtpSender | null = null;

  configure(settings: SrtpSettings | null): void {
    const id = settings ? `${settings.suite} ${settings.sendKey}` : null;
    if (id === this.#id) return;
    this.#id = id;
    this.sender = settings && new SrtpSender(settings.suite, Buffer.from(settings.sendKey, 'base64'));
  }
}
