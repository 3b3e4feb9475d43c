import type { CallPlan } from '../call/project.js';
import type { Clock } from '../common/clock.js';

/** Why a call is refused for load, and when the caller may try again. */
export interface Refusal {
  readonly reason: 'call_limit' | 'rate_limit' | 'trunk_call_limit' | 'trunk_rate_limit';
  readonly retryAfterS: number;
}

/** What counts against the limits now; `attemptsLeft` is how many attempts a rate would let in at once. */
export interface AdmissionState {
  readonly calls: number;
  /** Null without a rate. */
  readonly attemptsLeft: number | null;
  readonly trunks: Readonly<Record<string, { readonly calls: number; readonly attemptsLeft: number | null }>>;
}

/** A token bucket: `rate` a second, one second's worth of burst, one at least. */
class TokenBucket {
  readonly #clock: Clock;
  #rate: number;
  #tokens: number;
  #at: number;

  constructor(clock: Clock, rate: number) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = Math.max(1, rate);
    this.#at = clock.now();
  }

  get rate(): number {
    return this.#rate;
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(Math.max(1, this.#rate), this.#tokens + ((now - this.#at) / 1000) * this.#rate);
    this.#at = now;
  }

  get tokens(): number {
    this.#refill();
    return this.#tokens;
  }

  get available(): boolean {
    return this.tokens >= 1;
  }

  take(): void {
    this.#tokens -= 1;
  }
}

interface Gauge {
  calls: number;
  bucket: TokenBucket | null;
}

const CALL_LIMIT_RETRY_S = 5;
const RATE_LIMIT_RETRY_S = 1;

/** Counts calls and call attempts per trunk and over all, and says when one is too many. 0 and null are no limit. */
export class Admission {
  readonly #clock: Clock;
  readonly #all: Gauge = { calls: 0, bucket: null };
  readonly #trunks = new Map<string, Gauge>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls in progress. */
  get calls(): number {
    return this.#all.calls;
  }

  callsOf(trunk: string): number {
    return this.#trunks.get(trunk)?.calls ?? 0;
  }

  /** For a reader: nothing is taken. */
  state(): AdmissionState {
    const read = ({ calls, bucket }: Gauge) => ({ calls, attemptsLeft: bucket && Math.floor(bucket.tokens) });
    return {
      ...read(this.#all),
      trunks: Object.fromEntries([...this.#trunks].map(([name, gauge]) => [name, read(gauge)])),
    };
  }

  /** Takes a call in, or says why not; a call that was taken in is given back by `release`. */
  admit(plan: CallPlan, trunkName: string): Refusal | null {
    const trunk = plan.trunks[trunkName];
    const gauge = this.#gauge(trunkName);
    const { maxCalls, maxCps } = plan.limits;
    if (reached(this.#all.calls, maxCalls)) return { reason: 'call_limit', retryAfterS: CALL_LIMIT_RETRY_S };
    if (reached(gauge.calls, trunk?.maxCalls ?? null)) {
      return { reason: 'trunk_call_limit', retryAfterS: CALL_LIMIT_RETRY_S };
    }
    const all = this.#bucket(this.#all, maxCps);
    if (all && !all.available) return { reason: 'rate_limit', retryAfterS: RATE_LIMIT_RETRY_S };
    const own = this.#bucket(gauge, trunk?.maxCps ?? null);
    if (own && !own.available) return { reason: 'trunk_rate_limit', retryAfterS: RATE_LIMIT_RETRY_S };
    all?.take();
    own?.take();
    this.#all.calls += 1;
    gauge.calls += 1;
    return null;
  }

  release(trunkName: string): void {
    this.#all.calls -= 1;
    const gauge = this.#trunks.get(trunkName);
    if (gauge) gauge.calls -= 1;
  }

  #gauge(trunk: string): Gauge {
    let gauge = this.#trunks.get(trunk);
    if (!gauge) {
      gauge = { calls: 0, bucket: null };
      this.#trunks.set(trunk, gauge);
    }
    return gauge;
  }

  /** A rate that a reload changed starts with a fresh bucket. */
  #bucket(gauge: Gauge, rate: number | null): TokenBucket | null {
    if (rate === null || rate <= 0) gauge.bucket = null;
    else if (gauge.bucket?.rate !== rate) gauge.bucket = new TokenBucket(this.#clock, rate);
    return gauge.bucket;
  }
}

const reached = (calls: number, limit: number | null): boolean =>
  limit !== null && limit > 0 && calls >= limit;
