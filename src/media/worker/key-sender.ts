import { RTP_HEADER_BYTES } from '../../rtp/packet.js';
import { TELEPHONE_EVENT_BYTES } from '../../rtp/telephone-event.js';
import { FRAME_SAMPLES } from '../prompt/prompt-audio.js';
import { DtmfSender } from './dtmf-sender.js';
import type { PartySender } from './party-sender.js';
import { ToneSender } from './tone-sender.js';

/** What becomes of digits: they wait for their turn, are signalling's to send, or cannot be sent. */
export type KeysTaken = 'queued' | 'by_info' | 'refused';

/** Digits for one party, as its leg has them: as telephone-events or as tones, in the stream of its audio. */
export class KeySender {
  readonly #sender: PartySender;
  readonly #events: DtmfSender;
  readonly #tones = new ToneSender();

  constructor(sender: PartySender) {
    this.#sender = sender;
    this.#events = new DtmfSender(sender.stream);
  }

  get busy(): boolean {
    return this.#events.busy || this.#tones.busy;
  }
  /** Something is sent, or is about to be: audio has to wait. */
  get sounding(): boolean {
    return this.#events.sounding || this.#tones.busy;
  }

  take(digits: string): KeysTaken {
    const { settings } = this.#sender;
    if (settings && (settings.dtmf === 'info' || (settings.dtmf === 'auto' && !this.#sender.takes('event'))))
      return 'by_info';
    if (settings?.dtmf === 'inband') this.#tones.enqueue(digits);
    else if (settings && settings.sendEventPayloadType === null) return 'refused';
    else this.#events.enqueue(digits);
    return 'queued';
  }

  /** Sends what is due of a digit; false where audio may go out instead. */
  send(nowMs: number): boolean {
    if (this.#events.busy && this.#sendEvent(nowMs)) return true;
    if (!this.#tones.busy) return false;
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + FRAME_SAMPLES);
    this.#tones.next(packet, RTP_HEADER_BYTES, this.#sender.settings!.sendCodec);
    this.#sender.sendFrame(packet, true, nowMs);
    return true;
  }

  clear(): void {
    this.#events.clear();
    this.#tones.clear();
  }

  #sendEvent(nowMs: number): boolean {
    const payloadType = this.#sender.settings!.sendEventPayloadType;
    if (payloadType === null) {
      this.#events.clear();
      return false;
    }
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + TELEPHONE_EVENT_BYTES);
    if (!this.#events.next(packet, RTP_HEADER_BYTES, nowMs)) return false;
    this.#sender.sendNumbered(packet, payloadType);
    this.#events.sent(nowMs);
    return true;
  }
}
