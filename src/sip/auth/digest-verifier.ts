import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import type { Params } from '../params.js';
import { quote } from '../scan.js';
import { parseDigestParams } from './digest.js';

/** Algorithms that we challenge with (RFC 8760); the first is preferred. */
export type ServerDigestAlgorithm = 'SHA-256' | 'MD5';

export interface DigestVerifierOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly realm: string;
  /** In order of preference; one challenge is sent for each. */
  readonly algorithms: readonly ServerDigestAlgorithm[];
  /** How long a nonce is good for, in milliseconds. */
  readonly nonceLifetimeMs: number;
}

/** A request that carries credentials. */
export interface DigestCredentials {
  readonly method: string;
  /** The Request-URI as it came. */
  readonly uri: string;
  readonly body: Buffer;
  /** The values of Authorization or Proxy-Authorization; those for other realms are passed over. */
  readonly values: readonly string[];
}

/** What became of them. `stale`: challenge again with `stale=true`; `missing` and `wrong`: challenge anew. */
export type DigestVerdict =
  | { readonly kind: 'accepted'; readonly username: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'wrong'; readonly why: 'unknown user' | 'wrong response' | 'foreign nonce' }
  /** 400. */
  | { readonly kind: 'malformed'; readonly why: string };

const HASHES: Readonly<Record<ServerDigestAlgorithm, string>> = { 'SHA-256': 'sha256', MD5: 'md5' };
const MAX_NONCES = 20_000;

/** The server's side of digest authentication (RFC 7616, RFC 8760, RFC 3261 22): nonces that need no memory until they are used, and each count once. */
export class DigestVerifier {
  readonly #options: DigestVerifierOptions;
  readonly #secret: string;
  /** The highest nonce count of each nonce in use, in order of first use. */
  readonly #counts = new Map<string, number>();
  /** Nonces from before are refused: their counts may have been forgotten. */
  #floorMs = 0;

  constructor(options: DigestVerifierOptions) {
    this.#options = options;
    this.#secret = options.random.token(32);
  }

  /** The values of WWW-Authenticate or Proxy-Authenticate, one line each. */
  challenges(stale = false): string[] {
    const { realm, algorithms } = this.#options;
    return algorithms.map(
      (algorithm) =>
        `Digest realm=${quote(realm)}, nonce="${this.#nonce()}", qop="auth", algorithm=${algorithm}${stale ? ', stale=true' : ''}`,
    );
  }

  /** Judges a request; `passwordOf` knows the users. */
  verify(request: DigestCredentials, passwordOf: (username: string) => string | undefined): DigestVerdict {
    const { realm } = this.#options;
    const params = request.values.map(parseDigestParams).find((one) => one?.get('realm') === realm);
    if (!params) return { kind: 'missing' };
    const read = readAnswer(params);
    if (typeof read === 'string') return { kind: 'malformed', why: read };
    const algorithm = this.#options.algorithms.find(
      (one) => one.toLowerCase() === (params.get('algorithm') ?? 'MD5').toLowerCase(),
    );
    if (!algorithm) return { kind: 'malformed', why: 'algorithm was not offered' };
    // RFC 7616 3.4.6: the credentials are for this resource.
    if (read.uri !== request.uri) return { kind: 'malformed', why: 'uri is not the Request-URI' };
    const issuedMs = this.#issuedMs(read.nonce);
    if (issuedMs === undefined) return { kind: 'wrong', why: 'foreign nonce' };
    const password = passwordOf(read.username);
    if (password === undefined) return { kind: 'wrong', why: 'unknown user' };
    const hash = (text: string): string => createHash(HASHES[algorithm]).update(text).digest('hex');
    const expected = hash(
      [
        hash(`${read.username}:${realm}:${password}`),
        ...[read.nonce, read.nc, read.cnonce, 'auth'],
        hash(`${request.method}:${read.uri}`),
      ].join(':'),
    );
    if (!sameText(expected, read.response.toLowerCase())) return { kind: 'wrong', why: 'wrong response' };
    const ageMs = this.#options.clock.now() - issuedMs;
    if (ageMs > this.#options.nonceLifetimeMs || issuedMs < this.#floorMs) return { kind: 'stale' };
    // A count that was used before is a replay, or a request that was overtaken: it is asked to try again.
    return this.#useCount(read.nonce, parseInt(read.nc, 16), issuedMs)
      ? { kind: 'accepted', username: read.username }
      : { kind: 'stale' };
  }

  #nonce(): string {
    const body = `${Math.round(this.#options.clock.now()).toString(16)}.${this.#options.random.token(8)}`;
    return `${body}.${this.#seal(body)}`;
  }

  #seal(body: string): string {
    return createHmac('sha256', this.#secret).update(body).digest('hex').slice(0, 32);
  }

  /** When we issued the nonce; undefined when we did not. */
  #issuedMs(nonce: string): number | undefined {
    const at = nonce.lastIndexOf('.');
    const body = nonce.slice(0, Math.max(0, at));
    return sameText(this.#seal(body), nonce.slice(at + 1)) ? parseInt(body, 16) : undefined;
  }

  #useCount(nonce: string, count: number, issuedMs: number): boolean {
    if (count <= (this.#counts.get(nonce) ?? 0)) return false;
    this.#counts.set(nonce, count);
    if (this.#counts.size > MAX_NONCES) {
      const [oldest] = this.#counts.keys();
      if (oldest !== undefined) {
        this.#counts.delete(oldest);
        this.#floorMs = Math.max(this.#floorMs, (this.#issuedMs(oldest) ?? issuedMs) + 1);
      }
    }
    return true;
  }
}

interface Answer {
  readonly username: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly nc: string;
  readonly cnonce: string;
}

/** The fields of an answer, or what is wrong with it. */
function readAnswer(params: Params): Answer | string {
  const [username, nonce, uri, response, nc, cnonce] = [
    'username',
    'nonce',
    'uri',
    'response',
    'nc',
    'cnonce',
  ].map((name) => params.get(name));
  if (username === undefined || nonce === undefined || uri === undefined || response === undefined)
    return 'a field is missing';
  if (params.get('qop')?.toLowerCase() !== 'auth' || nc === undefined || cnonce === undefined)
    return 'qop is not auth';
  if (!/^[0-9a-f]{8}$/i.test(nc)) return 'nc is not eight hexadecimal digits';
  return { username, nonce, uri, response, nc, cnonce };
}

function sameText(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
