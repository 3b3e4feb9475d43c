import { SrtpReceiver, type SrtpFault } from '../../rtp/srtp/srtp-receiver.js';
import { keyIdOf } from '../srtp-progress.js';
import type { SrtpSettings } from '../worker-messages.js';

/** Packets under the key before a change are under way for so long at most. */
const FORMER_KEY_MS = 2000;

interface Keyed {
  readonly id: string;
  readonly receiver: SrtpReceiver;
}

/** Under this key of the peer (see keyIdOf) a source has come to this index. */
export type SrtpReached = (keyId: string, ssrc: number, index: number) => void;

/** What a leg takes in as SRTP; the key may change while packets are under way. */
export class InboundSrtp {
  #current: Keyed | null = null;
  #former: Keyed | null = null;
  #formerUntilMs = 0;
  readonly #onReached: SrtpReached;

  /** `onReached` is told how far each source has come, for whoever takes the leg over. */
  constructor(onReached: SrtpReached = () => undefined) {
    this.#onReached = onReached;
  }

  /** Is the peer to encrypt? */
  get on(): boolean {
    return this.#current !== null;
  }

  /**
   * The same key again changes nothing; null is plain RTP. `reached`: how far the sources had come under this key
   * where another worker was lost.
   */
  configure(
    settings: SrtpSettings | null,
    nowMs: number,
    reached: ReadonlyMap<number, number> = new Map(),
  ): void {
    const id = settings ? keyIdOf(settings) : null;
    if (id === (this.#current?.id ?? null)) return;
    const left = this.#current;
    // Back to the key before: what was seen under it stays seen.
    if (this.#former && this.#former.id === id) this.#current = this.#former;
    else if (settings && id !== null) {
      const { suite, receiveKey } = settings;
      const onReached = (ssrc: number, index: number): void => {
        this.#onReached(id, ssrc, index);
      };
      const master = Buffer.from(receiveKey, 'base64');
      const receiver = new SrtpReceiver(suite, master, left?.receiver.indices, { reached, onReached });
      this.#current = { id, receiver };
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
