/*
 * RFC 3550 5.1
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   |                           timestamp                           |
 *   |           synchronization source (SSRC) identifier            |
 *   |            contributing source (CSRC) identifiers ...         |
 *
 * Views over a datagram in place: nothing here copies or allocates.
 */

export const RTP_HEADER_BYTES = 12;
/** RFC 3551 4.2 has packets of up to 200 ms: 1600 bytes of G.711. What is far longer is no audio, and is passed to nobody. */
export const MAX_RTP_BYTES = 2048;

/** Why a datagram is not RTP; the values are what `rtpPayloadStart` returns. */
export const RTP_FAULTS = {
  [-1]: 'shorter than an RTP header',
  [-2]: 'not RTP version 2',
  [-3]: 'CSRC list or header extension longer than the packet',
  [-4]: 'padding longer than the payload',
  [-5]: 'longer than any packet of audio',
} as const;
export type RtpFault = keyof typeof RTP_FAULTS;

/**
 * Checks a datagram by RFC 3550 A.1 and returns the offset of its payload, or a negative RtpFault. Every
 * other function here may be called only on a datagram that passed. The padding of an encrypted one is not known yet.
 */
export function rtpPayloadStart(packet: Buffer, encrypted = false): number {
  const length = packet.length;
  if (length < RTP_HEADER_BYTES) return -1;
  if (length > MAX_RTP_BYTES) return -5;
  const first = packet[0]!;
  if (first >> 6 !== 2) return -2;
  if (first === 0x80) return RTP_HEADER_BYTES;
  let start = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (start + 4 > length) return -3;
    start += 4 + ((packet[start + 2]! << 8) | packet[start + 3]!) * 4;
  }
  if (start > length) return -3;
  if (first & 0x20 && !encrypted) {
    const padding = packet[length - 1]!;
    if (padding === 0 || start + padding > length) return -4;
  }
  return start;
}

/** Offset behind the last payload byte, padding taken off. */
export function rtpPayloadEnd(packet: Buffer): number {
  return packet[0]! & 0x20 ? packet.length - packet[packet.length - 1]! : packet.length;
}

export function rtpSequence(packet: Buffer): number {
  return (packet[2]! << 8) | packet[3]!;
}

export function rtpTimestamp(packet: Buffer): number {
  return ((packet[4]! << 24) | (packet[5]! << 16) | (packet[6]! << 8) | packet[7]!) >>> 0;
}

export function rtpSsrc(packet: Buffer): number {
  return ((packet[8]! << 24) | (packet[9]! << 16) | (packet[10]! << 8) | packet[11]!) >>> 0;
}

/** Writes a plain header (no CSRC, extension or padding) at `offset`; `markerBit` is 0x80 or 0. */
export function writeRtpHeader(
  target: Buffer,
  offset: number,
  markerBit: number,
  payloadType: number,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  target[offset] = 0x80;
  target[offset + 1] = markerBit | payloadType;
  target[offset + 2] = sequence >> 8;
  target[offset + 3] = sequence;
  target[offset + 4] = timestamp >>> 24;
  target[offset + 5] = timestamp >>> 16;
  target[offset + 6] = timestamp >>> 8;
  target[offset + 7] = timestamp;
  target[offset + 8] = ssrc >>> 24;
  target[offset + 9] = ssrc >>> 16;
  target[offset + 10] = ssrc >>> 8;
  target[offset + 11] = ssrc;
}

/** RFC 5761 4: a datagram on a shared port is RTCP when its second byte is 192..223. */
export function looksLikeRtcp(packet: Buffer): boolean {
  const second = packet[1];
  return second !== undefined && second >= 192 && second <= 223;
}
