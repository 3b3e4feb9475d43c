import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import type { Params } from '../params.js';
import { quote } from '../scan.js';
import { parseDigestParams } from './digest.js';

/** Algorithms that we challenge with (RFC 8760); the first is preferred. */
export type ServerDigestAlgorithm = 'SHA-512-256' | 'SHA-256' | 'MD5';

/** A password, or what takes its place: H(username:realm:password), in hexadecimal, by algorithm. */
export type DigestSecret = string | Readonly<Partial<Record<ServerDigestAlgorithm, string>>>;

export interface DigestVerifierOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly realm: string;
  /** In order of preference; one challenge is sent for each. */
  readonly algorithms: readonly ServerDigestAlgorithm[];
  /** How long a nonce is good for, in milliseconds. */
  readonly nonceLifetimeMs: number;
  /** What is offered; `auth` alone where nothing is said. */
  readonly qop?: readonly DigestQop[];
}

export type DigestQop = 'auth' | 'auth-int';

/** A request that carries credentials. */
export interface DigestCredentials {
  readonly method: string;
  /** The Request-URI as it came. */
  readonly uri: string;
  readonly body: Buffer;
  /** The values of Authorization or Proxy-Authorization; those for other realms are passed over. */
  readonly values: readonly string[];
  /** Where it came from: a nonce is good at the address that it was given to, so that nobody can spend another's. */
  readonly source?: string;
}

/** What became of them. `stale`: challenge again with `stale=true`; `missing` and `wrong`: challenge anew. */
export type DigestVerdict =
  | { readonly kind: 'accepted'; readonly username: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'stale' }
  /** The nonce is none of ours, or was given to another address: no proof that anybody tried a password from there. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'wrong'; readonly why: 'unknown user' | 'wrong response'; readonly username: string }
  /** 400. */
  | { readonly kind: 'malformed'; readonly why: string };

const HASHES: Readonly<Record<ServerDigestAlgorithm, string>> = {
  'SHA-512-256': 'sha512-256',
  'SHA-256': 'sha256',
  MD5: 'md5',
};
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
  challenges(stale = false, source = ''): string[] {
    const { realm, algorithms, qop = ['auth'] } = this.#options;
    return algorithms.map(
      (algorithm) =>
        `Digest realm=${quote(realm)}, nonce="${this.#nonce(source)}", qop="${qop.join(',')}", algorithm=${algorithm}${stale ? ', stale=true' : ''}`,
    );
  }

  /** Judges a request; `secretOf` knows the users. */
  verify(
    request: DigestCredentials,
    secretOf: (username: string) => DigestSecret | undefined,
  ): DigestVerdict {
    const { realm, qop = ['auth'] } = this.#options;
    const params = request.values.map(parseDigestParams).find((one) => one?.get('realm') === realm);
    if (!params) return { kind: 'missing' };
    const read = readAnswer(params, qop);
    if (typeof read === 'string') return { kind: 'malformed', why: read };
    const algorithm = this.#options.algorithms.find(
      (one) => one.toLowerCase() === (params.get('algorithm') ?? 'MD5').toLowerCase(),
    );
    if (!algorithm) return { kind: 'malformed', why: 'algorithm was not offered' };
    // RFC 7616 3.4.6: the credentials are for this resource.
    if (!isSameResource(resourceOf(read.uri), resourceOf(request.uri)))
      return { kind: 'malformed', why: 'uri is not the Request-URI' };
    const issuedMs = this.#issuedMs(read.nonce, request.source ?? '');
    if (issuedMs === undefined) return { kind: 'foreign' };
    const { username } = read;
    const hash = (text: string | Buffer): string => createHash(HASHES[algorithm]).update(text).digest('hex');
    const secret = secretOf(username);
    const ha1 =
      typeof secret === 'string'
        ? hash(`${username}:${realm}:${secret}`)
        : secret?.[algorithm]?.toLowerCase();
    const covered = `${request.method}:${read.uri}`;
    const expected = hash(
      [
        // An unknown user costs the same time as a wrong password.
        ha1 ?? hash(`${username}:${realm}:`),
        ...[read.nonce, read.nc, read.cnonce, read.qop],
        hash(read.qop === 'auth-int' ? `${covered}:${hash(request.body)}` : covered),
      ].join(':'),
    );
    const matches = sameText(expected, read.response.toLowerCase());
    if (ha1 === undefined) return { kind: 'wrong', why: 'unknown user', username };
    if (!matches) return { kind: 'wrong', why: 'wrong response', username };
    const ageMs = this.#options.clock.now() - issuedMs;
    if (ageMs > this.#options.nonceLifetimeMs || issuedMs < this.#floorMs) return { kind: 'stale' };
    // A count that was used before is a replay, or a request that was overtaken: it is asked to try again.
    return this.#useCount(read.nonce, parseInt(read.nc, 16))
      ? { kind: 'accepted', username: read.username }
      : { kind: 'stale' };
  }

  #nonce(source: string): string {
    const body = `${Math.round(this.#options.clock.now()).toString(16)}.${this.#options.random.token(8)}`;
    return `${body}.${this.#seal(body, source)}`;
  }

  #seal(body: string, source: string): string {
    return createHmac('sha256', this.#secret).update(`${body} ${source}`).digest('hex').slice(0, 32);
  }

  /** When we issued the nonce to that address; undefined when we did not. */
  #issuedMs(nonce: string, source: string): number | undefined {
    const at = nonce.lastIndexOf('.');
    const body = nonce.slice(0, Math.max(0, at));
    return sameText(this.#seal(body, source), nonce.slice(at + 1)) ? timeOf(body) : undefined;
  }

  #useCount(nonce: string, count: number): boolean {
    if (count <= (this.#counts.get(nonce) ?? 0)) return false;
    this.#counts.set(nonce, count);
    if (this.#counts.size > MAX_NONCES) {
      const [oldest] = this.#counts.keys();
      if (oldest !== undefined) {
        this.#counts.delete(oldest);
        this.#floorMs = Math.max(this.#floorMs, timeOf(oldest) + 1);
      }
    }
    return true;
  }
}

/** When a nonce was issued, by its own account. */
const timeOf = (nonce: string): number => parseInt(nonce, 16);

/** Some user agents leave the user part out of the digest's URI. */
const isSameResource = (digested: string, requested: string): boolean =>
  digested === requested || digested === requested.replace(/:.*@/, ':');

/** URIs with and without parameters name the same resource: user agents differ in what they copy. */
function resourceOf(uri: string): string {
  const bare = uri.split(/[;?]/, 1)[0] ?? '';
  const at = bare.lastIndexOf('@');
  return bare.slice(0, at + 1) + bare.slice(at + 1).toLowerCase();
}

interface Answer {
  readonly username: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly nc: string;
  readonly cnonce: string;
  readonly qop: DigestQop;
}

/** The fields of an answer, or what is wrong with it. */
function readAnswer(params: Params, offered: readonly DigestQop[]): Answer | string {
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
  const qop = offered.find((one) => one === params.get('qop')?.toLowerCase());
  if (qop === undefined || nc === undefined || cnonce === undefined)
    return `qop is not ${offered.join(' or ')}`;
  if (!/^[0-9a-f]{8}$/i.test(nc)) return 'nc is not eight hexadecimal digits';
  return { username, nonce, uri, response, nc, cnonce, qop };
}

function sameText(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
