import type { CodecName } from '../../call/project.js';

/** What stands in SDP for a codec. */
export interface CodecFacts {
  /** As in a=rtpmap (RFC 3551 6, RFC 7587 4.1). */
  readonly encoding: string;
  /** Of RTP timestamps: 8000 for G.722 too (RFC 3551 4.5.2). */
  readonly clockRate: number;
  readonly channels: number;
  /** What our offer names; a dynamic type where the codec has no static one. */
  readonly payloadType: number;
  readonly fmtp: string | null;
  /** Can this node make such audio itself, and turn one such codec into another? */
  readonly made: boolean;
}

export const CODECS: Readonly<Record<CodecName, CodecFacts>> = {
  PCMU: { encoding: 'PCMU', clockRate: 8000, channels: 1, payloadType: 0, fmtp: null, made: true },
  PCMA: { encoding: 'PCMA', clockRate: 8000, channels: 1, payloadType: 8, fmtp: null, made: true },
  G722: { encoding: 'G722', clockRate: 8000, channels: 1, payloadType: 9, fmtp: null, made: false },
  opus: {
    encoding: 'opus',
    clockRate: 48_000,
    channels: 2,
    payloadType: 111,
    fmtp: 'useinbandfec=1',
    made: false,
  },
  CN: { encoding: 'CN', clockRate: 8000, channels: 1, payloadType: 13, fmtp: null, made: false },
};

/** Our telephone-event payload types by clock rate: one for each rate that the codecs have (RFC 4733 2.1). */
export const EVENT_PAYLOAD_TYPES: ReadonlyMap<number, number> = new Map([
  [8000, 101],
  [16_000, 102],
  [48_000, 110],
]);

export const FIRST_DYNAMIC = 96;
const LAST_DYNAMIC = 127;

/** The codec of an a=rtpmap, or null for one that is not known here. */
export function codecOfMap(encoding: string, clockRate: number, channels: number): CodecName | null {
  const name = encoding.toUpperCase();
  for (const [codec, facts] of Object.entries(CODECS) as [CodecName, CodecFacts][]) {
    if (facts.encoding.toUpperCase() !== name || facts.clockRate !== clockRate) continue;
    if (facts.channels === channels) return codec;
  }
  return null;
}

/** The codec of a payload type that needs no rtpmap (RFC 3551 6). */
export function staticCodec(payloadType: number): CodecName | null {
  for (const [codec, facts] of Object.entries(CODECS) as [CodecName, CodecFacts][]) {
    if (facts.payloadType === payloadType && payloadType < FIRST_DYNAMIC) return codec;
  }
  return null;
}

/** As in a=rtpmap, in lower case, so that the same format has the same name whoever writes it. */
export function formatName(encoding: string, clockRate: number, channels: number): string {
  return `${encoding}/${clockRate}${channels > 1 ? `/${channels}` : ''}`.toLowerCase();
}

/** `preferred`, or the next dynamic payload type that is free. */
export function freePayloadType(preferred: number, isFree: (payloadType: number) => boolean): number {
  if (isFree(preferred)) return preferred;
  for (let type = FIRST_DYNAMIC; type <= LAST_DYNAMIC; type++) if (isFree(type)) return type;
  return preferred;
}
