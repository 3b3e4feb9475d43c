import type { CodecName } from '../../call/project.js';
import type { StreamSettings } from '../worker-messages.js';

/** What a payload type stands for on a leg; `dropped` is known but not relayed (comfort noise). */
export type PayloadKind = CodecName | 'event' | 'dropped' | 'unknown';

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
  }
}
