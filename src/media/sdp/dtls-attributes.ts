/** Hash functions that a fingerprint may use, the ones that are liked best first, with their length in bytes. */
const HASHES = new Map([
  ['sha-256', 32],
  ['sha-384', 48],
  ['sha-512', 64],
  ['sha-224', 28],
  ['sha-1', 20],
]);

/** a=setup (RFC 4145 4, RFC 5763 5). */
export type DtlsSetup = 'active' | 'passive' | 'actpass' | 'holdconn';

/** Which side begins the handshake. */
export type DtlsRole = 'active' | 'passive';

/** What a peer's description says of DTLS-SRTP. */
export interface RemoteDtls {
  /** Of its certificate: hash function and upper-case pairs of hexadecimal digits, as in a=fingerprint. */
  readonly fingerprint: string;
  /** Null where it does not say. */
  readonly setup: DtlsSetup | null;
}

/**
 * The fingerprint (RFC 8122 5) and the role of the audio line at `index`, from its own attributes or those of the
 * session; null without a fingerprint that can be checked. Of several the strongest usual one counts.
 */
export function readDtls(sdp: string, index: number): RemoteDtls | null {
  const sections = sdp.split(/(?:\r\n|\r|\n)(?=m=)/);
  const own = sections[index + 1] ?? '';
  const fingerprint = fingerprintIn(own) ?? fingerprintIn(sections[0] ?? '');
  if (fingerprint === null) return null;
  return { fingerprint, setup: setupIn(own) ?? setupIn(sections[0] ?? '') };
}

/** An a=fingerprint of its value; null where it is malformed or its hash is not taken. */
export function checkedFingerprint(value: string): string | null {
  const match = /^\s*([\w-]+)\s+((?:[0-9A-Fa-f]{2}:)*[0-9A-Fa-f]{2})\s*$/.exec(value);
  if (!match) return null;
  const hash = match[1]!.toLowerCase();
  const digest = match[2]!.toUpperCase();
  return HASHES.get(hash) === (digest.length + 1) / 3 ? `${hash} ${digest}` : null;
}

function fingerprintIn(section: string): string | null {
  const found = valuesOf(section, 'fingerprint')
    .map(checkedFingerprint)
    .filter((value) => value !== null);
  for (const hash of HASHES.keys()) {
    const match = found.find((value) => value.startsWith(`${hash} `));
    if (match !== undefined) return match;
  }
  return null;
}

function setupIn(section: string): DtlsSetup | null {
  const value = valuesOf(section, 'setup')[0]?.trim().toLowerCase();
  return value === 'active' || value === 'passive' || value === 'actpass' || value === 'holdconn'
    ? value
    : null;
}

function valuesOf(section: string, attribute: string): string[] {
  const prefix = `a=${attribute}:`;
  return section
    .split(/\r\n|\r|\n/)
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length));
}
