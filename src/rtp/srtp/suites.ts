/** Names as in a=crypto (RFC 4568 6.2, RFC 7714 14.2). */
export type SrtpSuite = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32' | 'AEAD_AES_128_GCM';

export interface SrtpSuiteFacts {
  readonly keyBytes: number;
  readonly saltBytes: number;
  /** Of the tag behind an RTP packet; RTCP has 10 bytes with HMAC-SHA1 always (RFC 4568 6.2.2). */
  readonly tagBytes: number;
}

export const SRTP_SUITES: Readonly<Record<SrtpSuite, SrtpSuiteFacts>> = {
  AES_CM_128_HMAC_SHA1_80: { keyBytes: 16, saltBytes: 14, tagBytes: 10 },
  AES_CM_128_HMAC_SHA1_32: { keyBytes: 16, saltBytes: 14, tagBytes: 4 },
  AEAD_AES_128_GCM: { keyBytes: 16, saltBytes: 12, tagBytes: 16 },
};

/** In the order in which we offer them: what every peer has comes first, the short tag last. */
export const SRTP_PREFERENCE: readonly SrtpSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AEAD_AES_128_GCM',
  'AES_CM_128_HMAC_SHA1_32',
];

/** Bytes of a master key and its salt, as they stand in a=crypto one behind the other. */
export function masterBytes(suite: SrtpSuite): number {
  return SRTP_SUITES[suite].keyBytes + SRTP_SUITES[suite].saltBytes;
}
