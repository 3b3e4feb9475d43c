import { createRequire } from 'node:module';

/** What the npm `rtp-parser` reads: a reading of the wire that shares no code with Relevo's own. */
export interface ReadRtpPacket {
  readonly version: number;
  readonly padding: number;
  readonly extension: number;
  readonly csrcCount: number;
  readonly marker: number;
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

const parser = createRequire(import.meta.url)('rtp-parser') as {
  parseRtpPacket(datagram: Buffer): ReadRtpPacket;
  readonly FIXED_HEADER_LENGTH: number;
};

/** RTCP packet types 192..223 look like RTP payload types 64..95 (RFC 5761 section 4). */
const RTCP_FIRST = 64;
const RTCP_LAST = 95;

export type RtpReading = { kind: 'rtp'; packet: ReadRtpPacket } | { kind: 'rtcp' } | { kind: 'malformed' };

/**
 * Reads one datagram. CSRC lists, header extensions and padding count as malformed: `rtp-parser` reads them
 * wrongly, and a G.711 call has no use for them.
 */
export function readRtp(datagram: Buffer): RtpReading {
  if (datagram.length < parser.FIXED_HEADER_LENGTH) return { kind: 'malformed' };
  const packet = parser.parseRtpPacket(datagram);
  if (packet.version !== 2) return { kind: 'malformed' };
  if (packet.payloadType >= RTCP_FIRST && packet.payloadType <= RTCP_LAST) return { kind: 'rtcp' };
  if (packet.csrcCount !== 0 || packet.extension !== 0 || packet.padding !== 0) return { kind: 'malformed' };
  return { kind: 'rtp', packet };
}
