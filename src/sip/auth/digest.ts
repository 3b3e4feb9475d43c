import { createHash } from 'node:crypto';
import { parseParams, type Params } from '../params.js';
import { findOutside, quote } from '../scan.js';

const HASHES: Readonly<Record<string, string>> = {
  md5: 'md5',
  'sha-256': 'sha256',
  'sha-512-256': 'sha512-256',
};
const STRENGTH = ['md5', 'sha-256', 'sha-512-256'];

/** A digest challenge (RFC 3261 22.4, RFC 7616, RFC 8760). */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** As written; `MD5` if absent. */
  readonly algorithm: string;
  /** Empty for RFC 2069 style. */
  readonly qop: readonly string[];
  /** The nonce is old but the password was right: try again with this nonce. */
  readonly stale: boolean;
}

/** Parses a WWW-Authenticate or Proxy-Authenticate line; undefined unless it is a well-formed Digest. */
export function parseChallenge(value: string): DigestChallenge | undefined {
  const params = parseDigestParams(value);
  const realm = params?.get('realm');
  const nonce = params?.get('nonce');
  if (!params || realm === undefined || nonce === undefined) return undefined;
  return {
    realm,
    nonce,
    opaque: params.get('opaque'),
    algorithm: params.get('algorithm') ?? 'MD5',
    qop: (params.get('qop') ?? '')
      .split(',')
      .map((option) => option.trim().toLowerCase())
      .filter((option) => option !== ''),
    stale: params.get('stale')?.toLowerCase() === 'true',
  };
}

/** The parameters after `Digest`, of a challenge or of an answer; undefined when malformed. */
export function parseDigestParams(value: string): Params | undefined {
  const text = value.trim();
  if (!/^digest[ \t]/i.test(text)) return undefined;
  const params: Params = new Map();
  for (let from = 'digest'.length; from < text.length;) {
    const end = findOutside(text, 44, from);
    if (end < 0) return undefined;
    const one = parseParams(text.slice(from, end));
    if (!one || one.size > 1) return undefined;
    for (const [name, content] of one) if (!params.has(name)) params.set(name, content);
    from = end + 1;
  }
  return params;
}

/** The strongest of the challenges that can be answered; undefined if there is none (RFC 8760 2.4). */
export function chooseChallenge(values: readonly string[]): DigestChallenge | undefined {
  let best: DigestChallenge | undefined;
  for (const challenge of chooseChallenges(values)) {
    if (!best || strength(challenge) > strength(best)) best = challenge;
  }
  return best;
}

/** The strongest challenge of each realm that can be answered, in order of first mention (RFC 3261 22.3). */
export function chooseChallenges(values: readonly string[]): DigestChallenge[] {
  const best = new Map<string, DigestChallenge>();
  for (const value of values) {
    const challenge = parseChallenge(value);
    if (!challenge || !canAnswer(challenge)) continue;
    const former = best.get(challenge.realm);
    if (!former || strength(challenge) > strength(former)) best.set(challenge.realm, challenge);
  }
  return [...best.values()];
}

function baseAlgorithm(challenge: DigestChallenge): string {
  return challenge.algorithm.toLowerCase().replace(/-sess$/, '');
}

function strength(challenge: DigestChallenge): number {
  return STRENGTH.indexOf(baseAlgorithm(challenge));
}

function canAnswer(challenge: DigestChallenge): boolean {
  const { qop } = challenge;
  return strength(challenge) >= 0 && (qop.length === 0 || qop.includes('auth') || qop.includes('auth-int'));
}

export interface DigestRequest {
  readonly method: string;
  /** The Request-URI, exactly as sent. */
  readonly uri: string;
  readonly username: string;
  readonly password: string;
  /** A fresh random token. */
  readonly cnonce: string;
  /** How often the nonce was used, this time included; 1 for the first. */
  readonly nonceCount: number;
  /** Needed only where the challenge offers nothing but `auth-int`. */
  readonly body?: Buffer;
}

/**
 * The value of Authorization or Proxy-Authorization for a challenge; undefined when its algorithm or qop is
 * unknown. MD5, SHA-256 and SHA-512-256, plain or `-sess`; qop none, `auth` or `auth-int`.
 */
export function answerChallenge(challenge: DigestChallenge, request: DigestRequest): string | undefined {
  const algorithm = HASHES[baseAlgorithm(challenge)];
  if (algorithm === undefined || !canAnswer(challenge)) return undefined;
  const hash = (text: string | Buffer): string => createHash(algorithm).update(text).digest('hex');
  const { realm, nonce, qop: offered } = challenge;
  const { username, cnonce, uri, method } = request;
  const qop = offered.length === 0 ? undefined : offered.includes('auth') ? 'auth' : 'auth-int';
  const nc = request.nonceCount.toString(16).padStart(8, '0');

  const secret = hash(`${username}:${realm}:${request.password}`);
  const isSession = challenge.algorithm.toLowerCase().endsWith('-sess');
  const a1 = isSession ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const a2 = hash(qop === 'auth-int' ? `${method}:${uri}:${hash(request.body ?? '')}` : `${method}:${uri}`);
  const response = hash(qop ? `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}` : `${a1}:${nonce}:${a2}`);

  const fields = [
    `username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response="${response}"`,
    `algorithm=${challenge.algorithm}`,
  ];
  if (qop) fields.push(`qop=${qop}`, `nc=${nc}`);
  if (qop || isSession) fields.push(`cnonce="${cnonce}"`);
  if (challenge.opaque !== undefined) fields.push(`opaque=${quote(challenge.opaque)}`);
  return `Digest ${fields.join(', ')}`;
}
