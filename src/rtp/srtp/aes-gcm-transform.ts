import { createCipheriv, createDecipheriv } from 'node:crypto';
import {
  ENCRYPTED,
  RTCP_CLEAR_BYTES,
  RTCP_INDEX_BYTES,
  type SessionKeys,
  type SrtpTransform,
} from './transform.js';

const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const RTCP_AAD_BYTES = RTCP_CLEAR_BYTES + RTCP_INDEX_BYTES;

/** AEAD_AES_128_GCM (RFC 7714 8, 9). */
export class AesGcmTransform implements SrtpTransform {
  readonly rtpOverhead = TAG_BYTES;
  readonly rtcpOverhead = TAG_BYTES + RTCP_INDEX_BYTES;
  readonly #rtp: SessionKeys;
  readonly #rtcp: SessionKeys;
  readonly #nonce = Buffer.alloc(NONCE_BYTES);
  readonly #rtcpAad = Buffer.alloc(RTCP_AAD_BYTES);

  constructor(rtp: SessionKeys, rtcp: SessionKeys) {
    this.#rtp = rtp;
    this.#rtcp = rtcp;
  }

  sealRtp(packet: Buffer, payload: number, end: number, ssrc: number, index: number): void {
    const nonce = this.#nonceOf(this.#rtp.salt, ssrc, index);
    seal(this.#rtp.key, nonce, packet.subarray(0, payload), packet, payload, end);
  }

  openRtp(packet: Buffer, payload: number, ssrc: number, index: number): boolean {
    const nonce = this.#nonceOf(this.#rtp.salt, ssrc, index);
    return open(this.#rtp.key, nonce, packet.subarray(0, payload), packet, payload, packet.length);
  }

  sealRtcp(packet: Buffer, end: number, ssrc: number, index: number): void {
    const word = ENCRYPTED + index;
    const nonce = this.#nonceOf(this.#rtcp.salt, ssrc, index);
    seal(this.#rtcp.key, nonce, this.#aadOf(packet, word), packet, RTCP_CLEAR_BYTES, end);
    packet.writeUInt32BE(word, end + TAG_BYTES);
  }

  rtcpIndexWord(packet: Buffer): number {
    return packet.readUInt32BE(packet.length - RTCP_INDEX_BYTES);
  }

  openRtcp(packet: Buffer, ssrc: number): boolean {
    const word = this.rtcpIndexWord(packet);
    const nonce = this.#nonceOf(this.#rtcp.salt, ssrc, word - ENCRYPTED);
    const end = packet.length - RTCP_INDEX_BYTES;
    return open(this.#rtcp.key, nonce, this.#aadOf(packet, word), packet, RTCP_CLEAR_BYTES, end);
  }

  /** RFC 7714 8.1 and 9.1: both have the SSRC and a 48-bit index behind two zero bytes. */
  #nonceOf(salt: Buffer, ssrc: number, index: number): Buffer {
    const nonce = this.#nonce;
    nonce.writeUInt16BE(0, 0);
    nonce.writeUInt32BE(ssrc, 2);
    nonce.writeUIntBE(index, 6, 6);
    for (let at = 0; at < NONCE_BYTES; at++) nonce[at]! ^= salt[at]!;
    return nonce;
  }

  #aadOf(packet: Buffer, word: number): Buffer {
    packet.copy(this.#rtcpAad, 0, 0, RTCP_CLEAR_BYTES);
    this.#rtcpAad.writeUInt32BE(word, RTCP_CLEAR_BYTES);
    return this.#rtcpAad;
  }
}

function seal(key: Buffer, nonce: Buffer, aad: Buffer, packet: Buffer, start: number, end: number): void {
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  cipher.setAAD(aad);
  cipher.update(packet.subarray(start, end)).copy(packet, start);
  cipher.final();
  cipher.getAuthTag().copy(packet, end);
}

/** `end` lies behind the tag. */
function open(key: Buffer, nonce: Buffer, aad: Buffer, packet: Buffer, start: number, end: number): boolean {
  const decipher = createDecipheriv('aes-128-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(packet.subarray(end - TAG_BYTES, end));
  const plain = decipher.update(packet.subarray(start, end - TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return false;
  }
  plain.copy(packet, start);
  return true;
}
