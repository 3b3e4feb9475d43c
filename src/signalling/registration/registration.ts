import type { TrunkRegistration } from '../../call/trunk-auth.js';
import type { Clock, Timer } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import {
  buildRegister,
  minExpiresOf,
  readGrant,
  retryAfterOf,
  usedCSeq,
  type Binding,
  type RegisterRequest,
  type RegisterResult,
} from './register-exchange.js';

/** RFC 5626 4.5: the wait after n rounds in a row that failed is up to base * 2^n, and half of it at least. */
export const BACKOFF_BASE_MS = 30_000;
export const BACKOFF_MAX_MS = 1_800_000;
/** A password that is refused today is refused in a minute too: carriers ban those who insist. */
export const REFUSED_WAIT_MS = 300_000;
/** A host that says nothing is given up after this long where another one follows. */
export const HOST_SILENT_MS = 8_000;
/** Longer than any transaction: the bound if the SIP server fails to answer. */
const NO_ANSWER_MS = 45_000;
/** How long an unregistration may take. */
export const FAREWELL_MS = 3_000;
const MAX_EXPIRES_S = 7 * 86_400;

/**
 * `idle` (no SIP server yet) → `registering` → `registered` → `registering` … ; `waiting` after all hosts failed;
 * `unregistering` → `off`.
 */
export type RegistrationState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'registering'; readonly attempt: number; readonly tried: number }
  | { readonly kind: 'registered' }
  | { readonly kind: 'waiting'; readonly untilMs: number }
  | { readonly kind: 'unregistering'; readonly attempt: number }
  | { readonly kind: 'off' };

/** How a registration stands; times are Unix milliseconds. */
export interface RegistrationView {
  readonly state: 'idle' | 'registering' | 'registered' | 'failed' | 'unregistered';
  readonly aor: string;
  /** The host of the trunk that has the binding. */
  readonly host: string | null;
  /** The binding holds until then. */
  readonly expiresAt: number | null;
  readonly nextTryAt: number | null;
  readonly failures: number;
  readonly lastError: {
    readonly at: number;
    readonly code: string;
    readonly status: number;
    readonly reason: string;
  } | null;
}

export interface RegistrationOptions {
  readonly trunk: string;
  readonly settings: TrunkRegistration;
  /** In failover order, one at least. */
  readonly hosts: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Sends a REGISTER; challenges are answered on the way. `done` is called once. */
  readonly send: (request: RegisterRequest, done: (result: RegisterResult) => void) => void;
  /** The registrar answered with 2xx from this address. */
  readonly answeredBy?: (address: string) => void;
}

/** Keeps one address of record registered at the first host of a trunk that takes it. */
export class Registration {
  readonly #options: RegistrationOptions;
  readonly #binding: Binding;
  #state: RegistrationState = { kind: 'idle' };
  #timer: Timer | null = null;
  #attempts = 0;
  #cseq = 0;
  #host = 0;
  #expiresS: number;
  #boundUntilMs = 0;
  #boundHost: number | null = null;
  #serviceRoute: readonly string[] = [];
  #failures = 0;
  #lastError: RegistrationView['lastError'] = null;
  #onOff: (() => void)[] = [];

  constructor(options: RegistrationOptions) {
    this.#options = options;
    const { random, settings } = options;
    this.#expiresS = settings.expiresS;
    this.#binding = {
      callId: random.uuid(),
      fromTag: random.token(6),
      contactUser: settings.contactUser ?? `r${random.token(12)}`,
    };
  }

  get contactUser(): string {
    return this.#binding.contactUser;
  }

  get isRegistered(): boolean {
    return this.#boundHost !== null && this.#options.clock.now() < this.#boundUntilMs;
  }

  /** Where calls go: the host that has the binding, and the route that its registrar gave. Null without a binding. */
  get route(): { readonly host: string; readonly serviceRoute: readonly string[] } | null {
    if (!this.isRegistered || this.#boundHost === null) return null;
    return { host: this.#options.hosts[this.#boundHost]!, serviceRoute: this.#serviceRoute };
  }

  view(): RegistrationView {
    const { clock, settings, hosts } = this.#options;
    const wall = (at: number): number => Math.round(clock.wallMs() + at - clock.now());
    const bound = this.isRegistered;
    return {
      state: this.#word(bound),
      aor: settings.aor,
      host: bound && this.#boundHost !== null ? hosts[this.#boundHost]! : null,
      expiresAt: bound ? wall(this.#boundUntilMs) : null,
      nextTryAt: this.#state.kind === 'waiting' ? wall(this.#state.untilMs) : null,
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  #word(bound: boolean): RegistrationView['state'] {
    const { kind } = this.#state;
    if (kind === 'off' || kind === 'unregistering') return 'unregistered';
    if (bound) return 'registered';
    if (kind === 'waiting' || (kind === 'registering' && this.#failures > 0)) return 'failed';
    return kind === 'registering' ? 'registering' : 'idle';
  }

  /** There is a SIP server: registers at once, whatever was before. */
  start(): void {
    if (this.#state.kind !== 'idle') return;
    this.#round();
  }

  /** The SIP server is gone, and the connections with it: `start` registers anew. */
  onLinkLost(): void {
    if (this.#state.kind === 'off') return;
    if (this.#state.kind === 'unregistering') this.#finish();
    else this.#to({ kind: 'idle' });
  }

  /** Takes the binding away and ends; `done` is called once it is over, at once where there is no binding. Idempotent. */
  stop(done: () => void): void {
    if (this.#state.kind === 'off') {
      done();
      return;
    }
    this.#onOff.push(done);
    if (this.#state.kind === 'unregistering') return;
    // A REGISTER on its way may yet make a binding: it is taken back too.
    const isBound = this.isRegistered || this.#state.kind === 'registering';
    if (this.#state.kind === 'idle' || !isBound) {
      this.#finish();
      return;
    }
    const attempt = ++this.#attempts;
    this.#to({ kind: 'unregistering', attempt });
    this.#after(FAREWELL_MS, () => {
      this.#finish();
    });
    this.#send(this.#host, 0, () => {
      if (this.#state.kind === 'unregistering' && this.#state.attempt === attempt) this.#finish();
    });
  }

  #finish(): void {
    this.#boundHost = null;
    this.#to({ kind: 'off' });
    for (const done of this.#onOff.splice(0)) done();
  }

  #to(state: RegistrationState): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#state = state;
  }

  #after(delayMs: number, fire: () => void): void {
    this.#timer = this.#options.clock.after(delayMs, fire);
  }

  /** Tries the hosts in turn, from the one that worked last. */
  #round(): void {
    this.#register(0);
  }

  #register(tried: number): void {
    const attempt = ++this.#attempts;
    this.#to({ kind: 'registering', attempt, tried });
    const isLast = tried + 1 >= this.#options.hosts.length;
    const isCurrent = (): boolean => this.#state.kind === 'registering' && this.#state.attempt === attempt;
    this.#after(isLast ? NO_ANSWER_MS : HOST_SILENT_MS, () => {
      this.#onResult(tried, { status: 0, reason: 'No answer', headers: {}, sourceAddress: '' });
    });
    this.#send(this.#host, this.#expiresS, (result) => {
      if (isCurrent()) this.#onResult(tried, result);
    });
  }

  #send(host: number, expiresS: number, done: (result: RegisterResult) => void): void {
    const { settings, hosts, send } = this.#options;
    // Room for the answers to challenges of a sending whose response never came.
    this.#cseq += 8;
    const request = buildRegister(settings, this.#binding, hosts[host]!, this.#cseq, expiresS);
    send(request, (result) => {
      this.#cseq = Math.max(this.#cseq, usedCSeq(result));
      done(result);
    });
  }

  #onResult(tried: number, result: RegisterResult): void {
    const { status } = result;
    if (status >= 200 && status < 300) this.#onGranted(tried, result);
    else if (status === 423) this.#onTooBrief(tried, result);
    else if (isHostFailure(result)) this.#onHostFailed(tried, result);
    else this.#giveUp(result, status === 401 || status === 407 || status === 403 || status === 404);
  }

  #onGranted(tried: number, result: RegisterResult): void {
    const { clock, random, log, trunk, hosts, settings, answeredBy } = this.#options;
    const grant = readGrant(result, this.#binding.contactUser, this.#expiresS);
    if (grant.expiresS <= 0) {
      this.#onHostFailed(tried, { ...result, status: 0, reason: 'The registrar keeps no binding of ours' });
      return;
    }
    const isNews = !this.isRegistered || this.#boundHost !== this.#host;
    const lifeMs = Math.min(grant.expiresS, MAX_EXPIRES_S) * 1_000;
    this.#boundHost = this.#host;
    this.#boundUntilMs = clock.now() + lifeMs;
    this.#serviceRoute = grant.serviceRoute;
    this.#failures = 0;
    this.#lastError = null;
    this.#to({ kind: 'registered' });
    // Between 75 % and 90 % of the time: many nodes that started together do not refresh together.
    this.#after(lifeMs * (0.75 + 0.15 * random.fraction()), () => {
      this.#round();
    });
    if (result.sourceAddress !== '') answeredBy?.(result.sourceAddress);
    const said = { trunk, aor: settings.aor, host: hosts[this.#host], expiresS: grant.expiresS };
    if (isNews) log.info(said, 'registered');
    else log.debug(said, 'registration refreshed');
  }

  /** 423: once more with what the registrar wants at least (RFC 3261 10.2.8). */
  #onTooBrief(tried: number, result: RegisterResult): void {
    const least = minExpiresOf(result.headers);
    if (least === null || least <= this.#expiresS || least > MAX_EXPIRES_S) {
      this.#giveUp(result, true);
      return;
    }
    this.#expiresS = least;
    this.#register(tried);
  }

  #onHostFailed(tried: number, result: RegisterResult): void {
    const { hosts } = this.#options;
    this.#note(result, 'registrar_unavailable');
    this.#host = (this.#host + 1) % hosts.length;
    if (tried + 1 < hosts.length) this.#register(tried + 1);
    else this.#giveUp(result, false);
  }

  /** Nobody took it: the next round is after a while. A binding that is left holds until it expires. */
  #giveUp(result: RegisterResult, refused: boolean): void {
    const { clock, random, log, trunk, settings } = this.#options;
    const isAuth = result.status === 401 || result.status === 407;
    const code = isAuth ? 'auth_failed' : refused ? 'registration_refused' : 'registrar_unavailable';
    this.#note(result, code);
    const upper = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(this.#failures, 10));
    const backoffMs = upper * (0.5 + 0.5 * random.fraction());
    const askedMs = (retryAfterOf(result.headers) ?? 0) * 1_000;
    const waitMs = Math.max(backoffMs, Math.min(askedMs, BACKOFF_MAX_MS), refused ? REFUSED_WAIT_MS : 0);
    this.#failures += 1;
    this.#to({ kind: 'waiting', untilMs: clock.now() + waitMs });
    this.#after(waitMs, () => {
      this.#round();
    });
    log.warn(
      {
        code,
        trunk,
        aor: settings.aor,
        status: result.status,
        reason: result.reason,
        waitS: Math.round(waitMs / 1_000),
      },
      this.isRegistered ? 'registration could not be refreshed' : 'not registered',
    );
  }

  #note({ status, reason }: RegisterResult, code: string): void {
    this.#lastError = { at: this.#options.clock.wallMs(), code, status, reason };
  }
}

/** The host is down or overloaded, which another one may not be. */
function isHostFailure({ status }: RegisterResult): boolean {
  return status === 0 || status === 408 || status === 430 || (status >= 500 && status < 600);
}
