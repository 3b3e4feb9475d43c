import { RTP_HEADER_BYTES } from '../../rtp/packet.js';
import { TELEPHONE_EVENT_BYTES } from '../../rtp/telephone-event.js';
import { FRAME_SAMPLES, type PromptPlayer } from '../prompt/prompt-audio.js';
import type { DtmfSender } from './dtmf-sender.js';
import type { Mixer } from './mixer.js';
import type { PartySender } from './party-sender.js';
import type { ToneSender } from './tone-sender.js';

/* Packets of our own, one for each 20 ms: made in memory of their own, since the kernel may take them later. */

/** Sends the next frame of a prompt; where nothing may be sent it goes by unheard. */
export function sendPromptFrame(
  sender: PartySender,
  player: PromptPlayer,
  canSend: boolean,
  nowMs: number,
): void {
  if (!canSend) {
    player.skip();
    return;
  }
  const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + FRAME_SAMPLES);
  player.next(packet, RTP_HEADER_BYTES, sender.settings!.sendCodec);
  sender.sendFrame(packet, player.audio.audible, nowMs);
}

/** Sends the next frame of digits as tones. */
export function sendToneFrame(sender: PartySender, tones: ToneSender, nowMs: number): void {
  const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + FRAME_SAMPLES);
  tones.next(packet, RTP_HEADER_BYTES, sender.settings!.sendCodec);
  sender.sendFrame(packet, true, nowMs);
}

/** Sends the next telephone-event packet; false where none is due. */
export function sendEventFrame(sender: PartySender, dtmf: DtmfSender, nowMs: number): boolean {
  const payloadType = sender.settings!.sendEventPayloadType;
  if (payloadType === null) {
    dtmf.clear();
    return false;
  }
  const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + TELEPHONE_EVENT_BYTES);
  if (!dtmf.next(packet, RTP_HEADER_BYTES, nowMs)) return false;
  sender.sendNumbered(packet, payloadType);
  dtmf.sent(nowMs);
  return true;
}

/**
 * Sends the next frame of a mix; false where nobody is to be heard. The parties are read on even while nothing may
 * be sent, so that they are in time afterwards.
 */
export function sendMixFrame(sender: PartySender, mixer: Mixer, canSend: boolean, nowMs: number): boolean {
  const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + FRAME_SAMPLES);
  const { settings } = sender;
  const heard = mixer.next(packet, RTP_HEADER_BYTES, settings?.sendCodec ?? 'PCMU');
  if (!heard || !canSend || !settings) return heard;
  sender.sendFrame(packet, true, nowMs);
  return true;
}
