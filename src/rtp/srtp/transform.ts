/** The E bit of SRTCP: the packet is encrypted (RFC 3711 3.4). */
export const ENCRYPTED = 0x80000000;
/** RTCP header and the SSRC of the sender stay in the clear (RFC 3711 3.4). */
export const RTCP_CLEAR_BYTES = 8;
export const RTCP_INDEX_BYTES = 4;

/**
 * What a suite does to one packet, with session keys. Packets are changed in place; one that fails its
 * authentication is left as it came.
 */
export interface SrtpTransform {
  /** By how much an RTP packet, and an RTCP packet, grows. */
  readonly rtpOverhead: number;
  readonly rtcpOverhead: number;
  /** Encrypts what lies between `payload` and `end`, and writes the tag behind it: there must be room. */
  sealRtp(packet: Buffer, payload: number, end: number, ssrc: number, index: number): void;
  /** True where the tag is right; the packet without its last `rtpOverhead` bytes is then plain RTP. */
  openRtp(packet: Buffer, payload: number, ssrc: number, index: number): boolean;
  sealRtcp(packet: Buffer, end: number, ssrc: number, index: number): void;
  /** The E bit and the index (RFC 3711 3.4) of a packet that is long enough. */
  rtcpIndexWord(packet: Buffer): number;
  openRtcp(packet: Buffer, ssrc: number): boolean;
}

/** What RFC 3711 4.3.2 derives for RTP, or for RTCP. */
export interface SessionKeys {
  readonly key: Buffer;
  readonly salt: Buffer;
  /** Empty where the cipher authenticates by itself. */
  readonly authKey: Buffer;
}
