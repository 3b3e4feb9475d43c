import { SrtpReceiver, type SrtpFault } from '../../rtp/srtp/srtp-receiver.js';
import type { SrtpSettings } from '../worker-messages.js';

/** Packets under the key before a change are under way for so long at most. */
const FORMER_KEY_MS = 2000;

interface Keyed {
  readonly id: string;
  readonly receiver: SrtpReceiver;
}

/** What a leg takes in as SRTP; the key may change while packets are under way. */
export class InboundSrtp {
  #current: Keyed | null = null;
  #former: Keyed | null = null;
  #formerUntilMs = 0;

  /** Is the peer to encrypt? */
  get on(): boolean {
    return this.#current !== null;
  }

  /** The same key again changes nothing; null is plain RTP. */
  configure(settings: SrtpSettings | null, nowMs: number): void {
    const id = settings ? `${settings.suite} ${settings.receiveKey}` : null;
    if (id === (this.#current?.id ?? null)) return;
    const left = this.#current;
    // Back to the key before: what was seen under it stays seen.
    if (this.#former && this.#former.id === id) this.#current = this.#former;
    else if (settings && id !== null) {
      const master = Buffer.from(settings.receiveKey, 'base64');
      this.#current = { id, receiver: new SrtpReceiver(settings.suite, master, left?.receiver.indices) };
    } else this.#current = null;
    this.#former = left;
    this.#formerUntilMs = nowMs + FORMER_KEY_MS;
  }

  /** Decrypts an RTP packet in place: its plain length, or why not. `payload` is where its header ends. */
  unprotect(packet: Buffer, payload: number, nowMs: number): number | SrtpFault {
    const result = this.#current!.receiver.unprotect(packet, payload);
    if (typeof result === 'number' || !this.#former || nowMs >= this.#formerUntilMs) return result;
    const late = this.#former.receiver.unprotect(packet, payload);
    return typeof late === 'number' ? late : result;
  }

  unprotectRtcp(packet: Buffer, nowMs: number): number | SrtpFault {
    const result = this.#current!.receiver.unprotectRtcp(packet);
    if (typeof result === 'number' || !this.#former || nowMs >= this.#formerUntilMs) return result;
    const late = this.#former.receiver.unprotectRtcp(packet);
    return typeof late === 'number' ? late : result;
  }
}
