import { AesCounter } from './aes-counter.js';
import { HmacSha1 } from './hmac-sha1.js';
import {
  ENCRYPTED,
  RTCP_CLEAR_BYTES,
  RTCP_INDEX_BYTES,
  type SessionKeys,
  type SrtpTransform,
} from './transform.js';

/** Also with the short tag for RTP (RFC 4568 6.2.2). */
const RTCP_TAG_BYTES = 10;

/** AES_CM_128_HMAC_SHA1_80 and _32 (RFC 3711 4, 5). */
export class AesCmTransform implements SrtpTransform {
  readonly rtpOverhead: number;
  readonly rtcpOverhead = RTCP_INDEX_BYTES + RTCP_TAG_BYTES;
  readonly #rtp: AesCounter;
  readonly #rtcp: AesCounter;
  readonly #rtpMac: HmacSha1;
  readonly #rtcpMac: HmacSha1;

  constructor(rtp: SessionKeys, rtcp: SessionKeys, tagBytes: number) {
    this.rtpOverhead = tagBytes;
    this.#rtp = new AesCounter(rtp.key, rtp.salt);
    this.#rtcp = new AesCounter(rtcp.key, rtcp.salt);
    this.#rtpMac = new HmacSha1(rtp.authKey);
    this.#rtcpMac = new HmacSha1(rtcp.authKey);
  }

  sealRtp(packet: Buffer, payload: number, end: number, ssrc: number, index: number): void {
    this.#rtp.apply(packet, payload, end, ssrc, index);
    const digest = this.#rtpMac.compute(packet, 0, end, rolloverOf(index));
    for (let at = 0; at < this.rtpOverhead; at++) packet[end + at] = digest[at]!;
  }

  openRtp(packet: Buffer, payload: number, ssrc: number, index: number): boolean {
    const end = packet.length - this.rtpOverhead;
    const digest = this.#rtpMac.compute(packet, 0, end, rolloverOf(index));
    if (!same(packet, end, digest, this.rtpOverhead)) return false;
    this.#rtp.apply(packet, payload, end, ssrc, index);
    return true;
  }

  sealRtcp(packet: Buffer, end: number, ssrc: number, index: number): void {
    this.#rtcp.apply(packet, RTCP_CLEAR_BYTES, end, ssrc, index);
    const tagAt = packet.writeUInt32BE(ENCRYPTED + index, end);
    this.#rtcpMac.compute(packet, 0, tagAt, null).copy(packet, tagAt, 0, RTCP_TAG_BYTES);
  }

  rtcpIndexWord(packet: Buffer): number {
    return packet.readUInt32BE(packet.length - this.rtcpOverhead);
  }

  openRtcp(packet: Buffer, ssrc: number): boolean {
    const tagAt = packet.length - RTCP_TAG_BYTES;
    const digest = this.#rtcpMac.compute(packet, 0, tagAt, null);
    if (!same(packet, tagAt, digest, RTCP_TAG_BYTES)) return false;
    const index = this.rtcpIndexWord(packet) - ENCRYPTED;
    this.#rtcp.apply(packet, RTCP_CLEAR_BYTES, tagAt - RTCP_INDEX_BYTES, ssrc, index);
    return true;
  }
}

const rolloverOf = (index: number): number => Math.floor(index / 0x10000);

/** Takes as long for a wrong tag as for a right one. */
function same(packet: Buffer, start: number, digest: Buffer, bytes: number): boolean {
  let differs = 0;
  for (let at = 0; at < bytes; at++) differs |= packet[start + at]! ^ digest[at]!;
  return differs === 0;
}
