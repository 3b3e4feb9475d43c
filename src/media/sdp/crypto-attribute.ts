import { masterBytes, SRTP_SUITES, type SrtpSuite } from '../../rtp/srtp/suites.js';

/** Of one media description; what a peer writes beyond is not read. */
const MAX_ATTRIBUTES = 16;
const MAX_TAG = 999_999_999;
const MAX_LIFETIME = 2 ** 48;

/** A usable a=crypto (RFC 4568 9.1). Whoever writes it encrypts what it sends with this key. */
export interface CryptoAttribute {
  readonly tag: number;
  readonly suite: SrtpSuite;
  /** Master key and salt in base64: a secret. */
  readonly key: string;
}

/** As sdp-transform splits it. */
export interface WrittenCrypto {
  readonly id?: number | string;
  readonly suite?: string | number;
  readonly config?: string | number;
  readonly sessionConfig?: string | number;
}

/**
 * Those of a peer's attributes that can be used, in its order. Unknown suites, master key identifiers (and so several
 * keys), and session parameters that change the packets are not done: such an attribute counts as not there.
 */
export function readCryptos(written: readonly WrittenCrypto[] | undefined): readonly CryptoAttribute[] {
  const found: CryptoAttribute[] = [];
  for (const { id, suite, config, sessionConfig } of (written ?? []).slice(0, MAX_ATTRIBUTES)) {
    const tag = Number(id);
    if (!Number.isInteger(tag) || tag < 0 || tag > MAX_TAG || found.some((other) => other.tag === tag))
      continue;
    if (typeof suite !== 'string' || !isSuite(suite) || !areHarmless(sessionConfig)) continue;
    const key = keyOf(suite, String(config));
    if (key !== null) found.push({ tag, suite, key });
  }
  return found;
}

export function renderCrypto({ tag, suite, key }: CryptoAttribute): string {
  return `a=crypto:${tag} ${suite} inline:${key}`;
}

function isSuite(name: string): name is SrtpSuite {
  return Object.hasOwn(SRTP_SUITES, name);
}

/** `inline:` with one key, perhaps with its lifetime (RFC 4568 6.1). */
function keyOf(suite: SrtpSuite, config: string): string | null {
  const match = /^inline:([A-Za-z0-9+/]{1,88}={0,2})(?:\|(?:2\^(\d{1,2})|(\d{1,15})))?$/i.exec(config);
  if (!match) return null;
  const lifetime = match[2] === undefined ? Number(match[3] ?? MAX_LIFETIME) : 2 ** Number(match[2]);
  if (lifetime < 1 || lifetime > MAX_LIFETIME) return null;
  const master = Buffer.from(match[1]!, 'base64');
  return master.length === masterBytes(suite) ? master.toString('base64') : null;
}

/** RFC 4568 6.3: a window size is a hint, and `-` marks what may be left out; all else is to be understood or refused. */
function areHarmless(parameters: string | number | undefined): boolean {
  if (parameters === undefined) return true;
  return String(parameters)
    .split(/\s+/)
    .every((one) => one === '' || /^(?:WSH=\d{2,9}|KDR=0|-.+)$/i.test(one));
}
