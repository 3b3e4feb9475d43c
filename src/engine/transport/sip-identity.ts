import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * Whether a certificate speaks for a SIP domain (RFC 5922 7.1, 7.2): a SIP URI of it among the alternative names, or
 * else its DNS name or address. Returns what is wrong, or undefined.
 */
export function checkSipIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  const wanted = `uri:sip:${host.toLowerCase()}`;
  const names = (certificate.subjectaltname ?? '').toLowerCase().split(/,\s*/);
  return names.includes(wanted) ? undefined : checkServerIdentity(host, certificate);
}
