import { RTP_HEADER_BYTES } from '../../rtp/packet.js';
import { FRAME_SAMPLES, type PromptPlayer } from '../prompt/prompt-audio.js';
import type { Mixer } from './mixer.js';
import type { PartySender } from './party-sender.js';

/** Audio that this node makes for one party, a frame of 20 ms at a time. */
export class FrameSender {
  readonly #sender: PartySender;

  constructor(sender: PartySender) {
    this.#sender = sender;
  }

  /** Sends the next frame of a prompt; where nothing may be sent the prompt goes on in time. */
  play(player: PromptPlayer, nowMs: number): void {
    if (!this.#sender.able) {
      player.skip();
      return;
    }
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + FRAME_SAMPLES);
    player.next(packet, RTP_HEADER_BYTES, this.#sender.settings!.sendCodec);
    this.#sender.sendFrame(packet, player.audio.audible, nowMs);
  }

  /**
   * Sends the next frame of a mix; false where nobody is to be heard. The parties are read on even while nothing may
   * be sent, so that they are in time afterwards.
   */
  mix(mixer: Mixer, nowMs: number): boolean {
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + FRAME_SAMPLES);
    const heard = mixer.next(packet, RTP_HEADER_BYTES, this.#sender.settings?.sendCodec ?? 'PCMU');
    if (heard && this.#sender.able) this.#sender.sendFrame(packet, true, nowMs);
    return heard;
  }
}
