import type { Random } from '../../common/random.js';
import { answerChallenge, chooseChallenges, parseDigestParams, type DigestChallenge } from './digest.js';

/** What a digest covers of a request. */
export interface DigestedRequest {
  readonly method: string;
  /** The Request-URI as it goes over the wire. */
  readonly uri: string;
  readonly body: Buffer;
}

/** The challenges of a 401 or 407, every line of each header. */
export interface Challenges {
  readonly www: readonly string[];
  readonly proxy: readonly string[];
}

/** Values by the header that carries them. */
export interface DigestHeaders {
  readonly authorization: readonly string[];
  readonly proxyAuthorization: readonly string[];
}

/**
 * What to do about a challenge. `auth_failed`: these credentials were refused; `unanswerable`: no algorithm or qop
 * that we know, or no challenge at all.
 */
export type DigestStep =
  | { readonly kind: 'retry'; readonly headers: DigestHeaders }
  | { readonly kind: 'auth_failed'; readonly realm: string }
  | { readonly kind: 'unanswerable' };

type Role = 'www' | 'proxy';

/** What is known of one realm: its newest nonce and how often it was used. */
interface Learned {
  readonly role: Role;
  challenge: DigestChallenge;
  count: number;
  /** One for the life of the nonce: `-sess` algorithms are bound to it. */
  cnonce: string;
  /** Credentials given before they were asked for and refused, in a row. */
  misses: number;
}

/** How often one request may be sent again for challenges: two realms, one stale nonce each. */
const MAX_RETRIES = 4;
const MAX_REALMS = 8;
/** A server whose nonces are good for one request gets no credentials before it asks. */
const MISSES_TO_STOP = 3;
const NO_HEADERS: DigestHeaders = { authorization: [], proxyAuthorization: [] };

/** One user name at one peer: remembers nonces and counts their use (RFC 7616 3.4, RFC 3261 22.3). */
export class DigestClient {
  readonly username: string;
  readonly #password: string;
  readonly #random: Random;
  readonly #learned = new Map<string, Learned>();

  constructor(username: string, password: string, random: Random) {
    this.username = username;
    this.#password = password;
    this.#random = random;
  }

  /** Starts a request, which may go out several times. */
  begin(): DigestAttempt {
    return new DigestAttempt(this);
  }

  /** @internal Credentials for realms that have challenged before. */
  known(): readonly string[] {
    return [...this.#learned].filter(([, { misses }]) => misses < MISSES_TO_STOP).map(([key]) => key);
  }

  /** @internal */
  learn(role: Role, challenge: DigestChallenge): string {
    const key = `${role} ${challenge.realm}`;
    const former = this.#learned.get(key);
    if (former?.challenge.nonce === challenge.nonce) {
      former.challenge = challenge;
      return key;
    }
    this.#learned.delete(key);
    if (this.#learned.size >= MAX_REALMS) {
      const [oldest] = this.#learned.keys();
      if (oldest !== undefined) this.#learned.delete(oldest);
    }
    const cnonce = this.#random.token(8);
    this.#learned.set(key, { role, challenge, count: 0, cnonce, misses: former?.misses ?? 0 });
    return key;
  }

  /** @internal */
  forget(key: string): void {
    this.#learned.delete(key);
  }

  /** @internal Whether credentials that were not asked for were taken. */
  noteAnticipated(key: string, taken: boolean): void {
    const learned = this.#learned.get(key);
    if (learned) learned.misses = taken ? 0 : learned.misses + 1;
  }

  /** @internal `nextnonce` of an Authentication-Info header (RFC 7616 3.5). */
  noteInfo(role: Role, value: string): void {
    const nonce = parseDigestParams(`Digest ${value}`)?.get('nextnonce');
    const learned = [...this.#learned.values()].filter((one) => one.role === role);
    if (nonce === undefined || learned.length !== 1) return;
    const [only] = learned;
    if (only && only.challenge.nonce !== nonce) this.learn(role, { ...only.challenge, nonce, stale: false });
  }

  /** @internal The headers for these realms; each use of a nonce is counted. */
  write(keys: Iterable<string>, request: DigestedRequest): DigestHeaders {
    const authorization: string[] = [];
    const proxyAuthorization: string[] = [];
    for (const key of keys) {
      const learned = this.#learned.get(key);
      if (!learned) continue;
      learned.count += 1;
      const value = answerChallenge(learned.challenge, {
        ...request,
        username: this.username,
        password: this.#password,
        cnonce: learned.cnonce,
        nonceCount: learned.count,
      });
      if (value !== undefined) (learned.role === 'www' ? authorization : proxyAuthorization).push(value);
    }
    return { authorization, proxyAuthorization };
  }
}

/** One request on its way: `fresh` credentials answer a challenge of this very request. */
type Given = 'anticipated' | 'fresh' | 'fresh-after-stale';

/** The credentials of one request through all its challenges. */
export class DigestAttempt {
  readonly #client: DigestClient;
  readonly #given = new Map<string, Given>();
  #retries = 0;

  constructor(client: DigestClient) {
    this.#client = client;
  }

  /** Credentials for the first sending, from what earlier requests have learned; often none. */
  anticipate(request: DigestedRequest): DigestHeaders {
    const keys = this.#client.known();
    if (keys.length === 0) return NO_HEADERS;
    for (const key of keys) this.#given.set(key, 'anticipated');
    return this.#client.write(keys, request);
  }

  /** Judges a 401 or 407. A nonce that was stale is answered once more, a wrong password never. */
  onChallenge(challenges: Challenges, request: DigestedRequest): DigestStep {
    const asked = [
      ...chooseChallenges(challenges.www).map((challenge) => ({ role: 'www' as const, challenge })),
      ...chooseChallenges(challenges.proxy).map((challenge) => ({ role: 'proxy' as const, challenge })),
    ];
    if (asked.length === 0) return { kind: 'unanswerable' };
    for (const { role, challenge } of asked) {
      const key = `${role} ${challenge.realm}`;
      const before = this.#given.get(key);
      const again =
        before === undefined || before === 'anticipated' || (before === 'fresh' && challenge.stale);
      if (!again || this.#retries >= MAX_RETRIES) {
        this.#client.forget(key);
        return { kind: 'auth_failed', realm: challenge.realm };
      }
      if (before === 'anticipated' && !challenge.stale) this.#client.noteAnticipated(key, false);
      this.#client.learn(role, challenge);
      this.#given.set(key, before === 'fresh' ? 'fresh-after-stale' : 'fresh');
    }
    this.#retries += 1;
    return { kind: 'retry', headers: this.#client.write(this.#given.keys(), request) };
  }

  /** The request was answered by something else than a challenge: its credentials were good. */
  onAccepted(info: Challenges): void {
    for (const [key, given] of this.#given) {
      if (given === 'anticipated') this.#client.noteAnticipated(key, true);
    }
    for (const value of info.www) this.#client.noteInfo('www', value);
    for (const value of info.proxy) this.#client.noteInfo('proxy', value);
  }
}
