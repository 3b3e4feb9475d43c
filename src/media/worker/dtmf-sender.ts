import { TELEPHONE_EVENT_BYTES, eventOfDigit, writeTelephoneEvent } from '../../rtp/telephone-event.js';
import type { OutgoingStream } from './outgoing-stream.js';

const FRAME_SAMPLES = 160;
/** 120 ms of tone: five updates, then the end packet three times (RFC 4733 2.5.1.4). */
const TONE_FRAMES = 6;
const END_PACKETS = 3;
const PAUSE_FRAMES = 4;

/** Turns digits into the telephone-event packets of one outgoing stream, one per 20 ms tick. */
export class DtmfSender {
  readonly #stream: OutgoingStream;
  readonly #queue: number[] = [];
  #event = 0;
  /** Tick within the event; -1 between events. */
  #frame = -1;
  #pause = 0;
  #timestamp = 0;

  constructor(stream: OutgoingStream) {
    this.#stream = stream;
  }

  /** True while an event is on the wire, when no audio may be sent. */
  get sounding(): boolean {
    return this.#frame >= 0;
  }

  get busy(): boolean {
    return this.#frame >= 0 || this.#queue.length > 0;
  }

  /** Queues digits; characters that are no DTMF digits are left out. */
  enqueue(digits: string): void {
    for (const digit of digits) {
      const event = eventOfDigit(digit);
      if (event >= 0) this.#queue.push(event);
    }
  }

  clear(): void {
    this.#queue.length = 0;
    this.#frame = -1;
  }

  /** Writes the payload that is due now and numbers its packet; false when none is due. */
  next(target: Buffer, offset: number, nowMs: number): boolean {
    if (this.#frame < 0) {
      if (this.#pause > 0) {
        this.#pause--;
        return false;
      }
      const event = this.#queue.shift();
      if (event === undefined) return false;
      this.#event = event;
      this.#frame = 0;
      this.#timestamp = this.#stream.beginning(nowMs);
    }
    const duration = Math.min(this.#frame + 1, TONE_FRAMES) * FRAME_SAMPLES;
    writeTelephoneEvent(target, offset, this.#event, this.#frame >= TONE_FRAMES - 1, duration);
    this.#stream.event(this.#timestamp, this.#frame === 0);
    return true;
  }

  /** Books the packet that `next` made, after it was sent. */
  sent(nowMs: number): void {
    this.#stream.sent(TELEPHONE_EVENT_BYTES, (this.#frame + 1) * FRAME_SAMPLES, nowMs);
    this.#frame++;
    if (this.#frame === TONE_FRAMES - 1 + END_PACKETS) {
      this.#frame = -1;
      this.#pause = PAUSE_FRAMES;
      this.#stream.endEvent((TONE_FRAMES - 1 + END_PACKETS) * FRAME_SAMPLES);
    }
  }
}
