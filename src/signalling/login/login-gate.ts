import type { CallPlan, Trunk } from '../../call/project.js';
import type { SipHeaders } from '../../call/vocabulary.js';
import type { TrunkLogin } from '../../call/trunk-auth.js';
import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import { DigestVerifier, type DigestVerdict } from '../../sip/auth/digest-verifier.js';
import { parseDigestParams } from '../../sip/auth/digest.js';
import { readHeaders, valuesOf } from '../header-reading.js';
import { canonicalAddress } from '../source-table.js';
import type { SrfRequest } from '../srf-types.js';
import { LoginGuard } from './login-guard.js';

/** How long a nonce may be used before a user agent is asked to take a new one. */
export const NONCE_LIFETIME_MS = 5 * 60_000;

/** Who logged in. */
export interface LoggedIn {
  readonly trunk: string;
  readonly username: string;
}

/**
 * Whether a request may pass. `trunks`: these may be its trunks, `login` where it took one; `challenge`: 401 with
 * these headers, which is no refusal yet; `refused`: a final answer.
 */
export type Admittance =
  | { readonly kind: 'trunks'; readonly trunks: readonly string[]; readonly login: LoggedIn | null }
  | { readonly kind: 'challenge'; readonly headers: SipHeaders; readonly failed: boolean }
  | {
      readonly kind: 'refused';
      readonly counter: string;
      readonly status: number;
      readonly reason: string | null;
    };

type TrunkWithLogin = Trunk & { readonly login: TrunkLogin };

export interface LoginGateOptions {
  readonly plan: CallPlan;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Within a dialog these go unchallenged: they end or complete what was let in (RFC 3261 22.1). */
const NEVER_CHALLENGED = new Set(['ACK', 'CANCEL', 'PRACK', 'BYE']);

/** Asks those for a password who must log in to send us calls. A trunk is told by the source, by the user name, or both. */
export class LoginGate {
  readonly #options: LoginGateOptions;
  readonly #guard: LoginGuard;
  /** One per realm and what it offers: their nonces outlive a reload. */
  readonly #verifiers = new Map<string, DigestVerifier>();
  #trunks: readonly TrunkWithLogin[] = [];
  #plan: CallPlan;
  #challenged = 0;

  constructor(options: LoginGateOptions) {
    this.#options = options;
    this.#guard = new LoginGuard(options.clock);
    this.#plan = options.plan;
    this.setPlan(options.plan);
  }

  /** Requests that were asked for a password. */
  get challenged(): number {
    return this.#challenged;
  }

  setPlan(plan: CallPlan): void {
    this.#plan = plan;
    this.#trunks = Object.values(plan.trunks).filter(hasLogin);
    const kept = new Set(this.#trunks.map(({ login }) => keyOf(login)));
    for (const key of this.#verifiers.keys()) if (!kept.has(key)) this.#verifiers.delete(key);
  }

  /** Judges an initial request; `bySource` are the trunks that its address may belong to. */
  admit(request: SrfRequest, bySource: readonly string[]): Admittance {
    const free = bySource.filter((name) => this.#plan.trunks[name]?.login?.requiredFor !== 'everyone');
    if (free.length > 0 || this.#trunks.length === 0) return { kind: 'trunks', trunks: free, login: null };
    const candidates = this.#trunks.filter(({ name, allow, login }) =>
      bySource.length > 0 ? bySource.includes(name) : allow.length === 0 || login.requiredFor === 'strangers',
    );
    if (candidates.length === 0) return { kind: 'trunks', trunks: [], login: null };
    return this.#judge(request, candidates);
  }

  /** Judges a request within the dialog of a call that was let in by a login; null where it may pass. */
  inDialog(request: SrfRequest, { trunk: name, username }: LoggedIn): Admittance | null {
    const { method } = request;
    const trunk = this.#trunks.find((one) => one.name === name);
    if (!trunk || NEVER_CHALLENGED.has(method)) return null;
    const policy = trunk.login.inDialog;
    if (policy === 'none' || (policy === 'refer' && method !== 'REFER')) return null;
    const judged = this.#judge(request, [trunk], username);
    return judged.kind === 'trunks' ? null : judged;
  }

  #judge(request: SrfRequest, candidates: readonly TrunkWithLogin[], only?: string): Admittance {
    const source = canonicalAddress(request.source_address);
    const values = valuesOf(readHeaders(request.msg.raw), 'authorization');
    if (this.#guard.isBanned(source, usernameOf(values)))
      return { kind: 'refused', counter: 'login_banned', status: 403, reason: null };
    const credentials = {
      method: request.method,
      uri: request.uri,
      body: Buffer.from(request.body ?? ''),
      values,
      source,
    };
    for (const [realm, trunks] of byRealm(candidates)) {
      const ownerOf = (username: string): TrunkWithLogin | undefined =>
        only !== undefined && username !== only
          ? undefined
          : trunks.find(({ login }) => Object.hasOwn(login.users, username));
      const verdict = this.#verifierOf(trunks[0]!.login).verify(
        credentials,
        (username) => ownerOf(username)?.login.users[username],
      );
      if (verdict.kind === 'missing') continue;
      return this.#decide(verdict, source, realm, candidates, ownerOf);
    }
    return this.#challenge(candidates, source, false, false);
  }

  #decide(
    verdict: Exclude<DigestVerdict, { kind: 'missing' }>,
    source: string,
    realm: string,
    candidates: readonly TrunkWithLogin[],
    ownerOf: (username: string) => TrunkWithLogin | undefined,
  ): Admittance {
    switch (verdict.kind) {
      case 'accepted': {
        const { username } = verdict;
        const owner = ownerOf(username);
        if (!owner) return this.#challenge(candidates, source, false, false);
        this.#guard.succeeded(source, username);
        return { kind: 'trunks', trunks: [owner.name], login: { trunk: owner.name, username } };
      }
      case 'stale':
      case 'foreign':
        // A nonce of before a restart, or of an address that a NAT has changed since, is only old.
        return this.#challenge(candidates, source, true, false);
      case 'wrong': {
        const { username, why } = verdict;
        if (this.#guard.failed(source, username))
          this.#options.log.warn(
            { code: 'login_banned', source, username, realm },
            'too many wrong passwords: refused without asking for 10 minutes',
          );
        else this.#options.log.debug({ code: 'login_failed', source, username, realm, why }, 'wrong login');
        return this.#challenge(candidates, source, false, true);
      }
      case 'malformed':
        return {
          kind: 'refused',
          counter: 'bad_request',
          status: 400,
          reason: `Bad credentials: ${verdict.why}`,
        };
    }
  }

  #challenge(
    candidates: readonly TrunkWithLogin[],
    source: string,
    stale: boolean,
    failed: boolean,
  ): Admittance {
    this.#challenged += 1;
    const values = [...byRealm(candidates).values()].flatMap((trunks) =>
      this.#verifierOf(trunks[0]!.login).challenges(stale, source),
    );
    return { kind: 'challenge', headers: { 'WWW-Authenticate': values }, failed };
  }

  #verifierOf(login: TrunkLogin): DigestVerifier {
    const key = keyOf(login);
    let verifier = this.#verifiers.get(key);
    if (!verifier) {
      const { clock, random } = this.#options;
      const { realm, algorithms, qop } = login;
      verifier = new DigestVerifier({
        clock,
        random,
        realm,
        algorithms,
        qop,
        nonceLifetimeMs: NONCE_LIFETIME_MS,
      });
      this.#verifiers.set(key, verifier);
    }
    return verifier;
  }
}

const hasLogin = (trunk: Trunk): trunk is TrunkWithLogin => trunk.login !== undefined && trunk.login !== null;

const keyOf = ({ realm, algorithms, qop }: TrunkLogin): string => JSON.stringify([realm, algorithms, qop]);

function byRealm(trunks: readonly TrunkWithLogin[]): Map<string, TrunkWithLogin[]> {
  const realms = new Map<string, TrunkWithLogin[]>();
  for (const trunk of trunks) {
    const same = realms.get(trunk.login.realm);
    if (same) same.push(trunk);
    else realms.set(trunk.login.realm, [trunk]);
  }
  return realms;
}

function usernameOf(values: readonly string[]): string | null {
  for (const value of values) {
    const username = parseDigestParams(value)?.get('username');
    if (username !== undefined) return username;
  }
  return null;
}
