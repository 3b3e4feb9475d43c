import type { CodecName } from '../../call/project.js';
import type { StreamSettings } from '../worker-messages.js';

/**
 * What a payload type stands for on a leg: a codec, a telephone-event at 8000 Hz (`event`) or 48,000 Hz
 * (`wideEvent`), or comfort noise that was not agreed (`dropped`). An event of a press that has been passed on by another
 * way goes to nobody (`toldEvent`, `toldWideEvent`).
 */
export type PayloadKind =
  CodecName | 'event' | 'wideEvent' | 'toldEvent' | 'toldWideEvent' | 'dropped' | 'unknown';

/** RFC 3389. */
const COMFORT_NOISE = 13;

/** Payload types that a leg takes, as a table of 128. */
export class PayloadTypeTable {
  readonly kinds: PayloadKind[] = new Array<PayloadKind>(128).fill('unknown');

  /** Takes what our SDP announced. The static G.711 types are taken as well: some peers change without asking. */
  set(settings: StreamSettings): void {
    this.kinds.fill('unknown');
    this.kinds[0] = 'PCMU';
    this.kinds[8] = 'PCMA';
    this.kinds[COMFORT_NOISE] = 'dropped';
    for (const { payloadType, codec } of settings.receivePayloadTypes) this.kinds[payloadType] = codec;
    if (settings.receiveEventPayloadType !== null) this.kinds[settings.receiveEventPayloadType] = 'event';
    if (settings.receiveWideEventPayloadType !== null) {
      this.kinds[settings.receiveWideEventPayloadType] = 'wideEvent';
    }
  }
}

/** The RTP clock of a kind of payload, in Hz. */
export function clockRateOf(kind: PayloadKind): 8000 | 48000 {
  return kind === 'opus' || kind === 'wideEvent' || kind === 'toldWideEvent' ? 48_000 : 8000;
}

/** Under which payload type each kind of payload goes to the party. */
export function sendTypesOf(settings: StreamSettings): Map<PayloadKind, number> {
  const types = new Map<PayloadKind, number>([
    ['PCMU', settings.sendPayloadType],
    ['PCMA', settings.sendPayloadType],
  ]);
  for (const { codec, payloadType } of settings.passThrough) types.set(codec, payloadType);
  const { sendEventPayloadType: narrow, sendWideEventPayloadType: wide } = settings;
  if (settings.dtmf === 'info' || settings.dtmf === 'inband') return types;
  if (narrow !== null) types.set('event', narrow);
  if (wide !== null) types.set('wideEvent', wide);
  return types;
}
