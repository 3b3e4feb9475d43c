import { AesCmTransform } from './aes-cm-transform.js';
import { AesCounter } from './aes-counter.js';
import { AesGcmTransform } from './aes-gcm-transform.js';
import { masterBytes, SRTP_SUITES, type SrtpSuite } from './suites.js';
import type { SessionKeys, SrtpTransform } from './transform.js';

const AUTH_KEY_BYTES = 20;
/** RFC 3711 4.3.2: encryption, authentication, salt; those of SRTCP lie three further. */
const RTP_LABEL = 0;
const RTCP_LABEL = 3;

/** Derives the session keys (RFC 3711 4.3, RFC 7714 11) of a master key with its salt behind it. */
export function sessionKeys(suite: SrtpSuite, master: Buffer): { rtp: SessionKeys; rtcp: SessionKeys } {
  const { keyBytes, saltBytes } = SRTP_SUITES[suite];
  if (master.length !== masterBytes(suite)) throw new RangeError('not a master key and salt of this suite');
  const random = new AesCounter(master.subarray(0, keyBytes), master.subarray(keyBytes));
  const from = (label: number): SessionKeys => ({
    key: random.derive(label, keyBytes),
    authKey: suite === 'AEAD_AES_128_GCM' ? Buffer.alloc(0) : random.derive(label + 1, AUTH_KEY_BYTES),
    salt: random.derive(label + 2, saltBytes),
  });
  return { rtp: from(RTP_LABEL), rtcp: from(RTCP_LABEL) };
}

export function transformOf(suite: SrtpSuite, master: Buffer): SrtpTransform {
  const { rtp, rtcp } = sessionKeys(suite, master);
  if (suite === 'AEAD_AES_128_GCM') return new AesGcmTransform(rtp, rtcp);
  return new AesCmTransform(rtp, rtcp, SRTP_SUITES[suite].tagBytes);
}
