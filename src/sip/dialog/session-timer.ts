import type { Clock, Timer } from '../../common/clock.js';
import type { HeaderList } from '../message.js';
import { parseDecimal } from '../scan.js';

/** The side of a transaction that refreshes, as it stands in Session-Expires. */
export type RefresherRole = 'uac' | 'uas';

/** The smallest Min-SE that RFC 4028 allows, in seconds. */
export const SMALLEST_MIN_SE_S = 90;

/** What we want of session timers; seconds. `minS` is at least 90. */
export interface SessionTimerPolicy {
  /** The interval that we ask for, where we ask. */
  readonly defaultS: number;
  /** The smallest interval that we take. */
  readonly minS: number;
  /** Whether we ask for a timer by ourselves. */
  readonly offer: boolean;
}

/** A value of Session-Expires. */
export interface SessionExpires {
  readonly intervalS: number;
  readonly refresher: RefresherRole | undefined;
}

/** What a UAS does about the timer of a session refresh request. */
export type TimerAnswer =
  | { readonly kind: 'none' }
  /** 422 with Min-SE. */
  | { readonly kind: 'too-small'; readonly minS: number }
  | {
      readonly kind: 'agreed';
      readonly intervalS: number;
      readonly refresher: RefresherRole;
      /** The response needs `Require: timer` (RFC 4028 9). */
      readonly require: boolean;
    };

const MAX_SECONDS = 0x7fffffff;

/** Session-Expires of a message; undefined when absent or malformed. */
export function sessionExpires(headers: HeaderList): SessionExpires | undefined {
  const [first = '', ...params] = (headers.get('session-expires') ?? '').split(';');
  const intervalS = parseDecimal(first.trim(), MAX_SECONDS);
  if (intervalS === undefined) return undefined;
  for (const param of params) {
    const refresher = /^\s*refresher\s*=\s*(uac|uas)\s*$/i.exec(param)?.[1]?.toLowerCase();
    if (refresher === 'uac' || refresher === 'uas') return { intervalS, refresher };
  }
  return { intervalS, refresher: undefined };
}

/** Min-SE of a message in seconds; 0 when absent or malformed. */
export function minSe(headers: HeaderList): number {
  return parseDecimal((headers.get('min-se') ?? '').split(';')[0]!.trim(), MAX_SECONDS) ?? 0;
}

/** Whether a Supported or Require line names the option. */
export function supports(headers: HeaderList, option: string): boolean {
  return [...headers.getAll('supported'), ...headers.getAll('require')].some((line) =>
    line.split(',').some((one) => one.trim().toLowerCase() === option),
  );
}

/** The Session-Expires value. */
export function formatSessionExpires(intervalS: number, refresher?: RefresherRole): string {
  return refresher === undefined ? String(intervalS) : `${intervalS};refresher=${refresher}`;
}

/**
 * What to answer to an INVITE or UPDATE (RFC 4028 9, table 2). `running` is the timer that the dialog has already:
 * a request that does not mention it leaves it as it is. `mine` is the role that we have played in it.
 */
export function answerSessionTimer(
  request: HeaderList,
  policy: SessionTimerPolicy,
  running?: { readonly intervalS: number; readonly refreshing: 'us' | 'peer' },
): TimerAnswer {
  const peerKnowsTimer = supports(request, 'timer');
  const asked = sessionExpires(request);
  if (asked) {
    if (asked.intervalS < policy.minS && peerKnowsTimer) return { kind: 'too-small', minS: policy.minS };
    const intervalS = Math.max(asked.intervalS, policy.minS, minSe(request));
    return agreed(intervalS, peerKnowsTimer ? (asked.refresher ?? 'uac') : 'uas');
  }
  if (running)
    return agreed(
      Math.max(running.intervalS, minSe(request)),
      running.refreshing === 'peer' && peerKnowsTimer ? 'uac' : 'uas',
    );
  if (!policy.offer) return { kind: 'none' };
  return agreed(Math.max(policy.defaultS, minSe(request)), peerKnowsTimer ? 'uac' : 'uas');
}

function agreed(intervalS: number, refresher: RefresherRole): TimerAnswer {
  return { kind: 'agreed', intervalS, refresher, require: refresher === 'uac' };
}

/**
 * What a 2xx to our session refresh request makes of the timer (RFC 4028 7.2): undefined without one. When the UAS
 * says nothing we refresh by ourselves, as asked for.
 */
export function agreedByResponse(
  request: HeaderList,
  response: HeaderList,
): { intervalS: number; refresher: RefresherRole } | undefined {
  const answered = sessionExpires(response);
  if (answered) return { intervalS: answered.intervalS, refresher: answered.refresher ?? 'uac' };
  const asked = sessionExpires(request);
  return asked && { intervalS: asked.intervalS, refresher: 'uac' };
}

/** Runs the timer of one session: refreshes at half the interval where that is ours, and ends the session when nobody did. */
export class SessionTimer {
  readonly #clock: Clock;
  readonly #refresh: () => void;
  readonly #expire: () => void;
  #intervalS = 0;
  #refreshing: 'us' | 'peer' = 'peer';
  #due: Timer | undefined;
  #end: Timer | undefined;
  #endMs = 0;

  constructor(parts: { clock: Clock; refresh: () => void; expire: () => void }) {
    this.#clock = parts.clock;
    this.#refresh = parts.refresh;
    this.#expire = parts.expire;
  }

  get intervalS(): number {
    return this.#intervalS;
  }

  get refreshing(): 'us' | 'peer' {
    return this.#refreshing;
  }

  /** The session was set up or refreshed: the interval runs anew. */
  restart(intervalS: number, refreshing: 'us' | 'peer'): void {
    this.stop();
    this.#intervalS = intervalS;
    this.#refreshing = refreshing;
    const intervalMs = intervalS * 1_000;
    this.#endMs = this.#clock.now() + intervalMs;
    this.#end = this.#clock.after(intervalMs, this.#expire);
    if (refreshing === 'us') this.#due = this.#clock.after(intervalMs / 2, this.#refresh);
  }

  /** A refresh failed in a way that may pass: tries again after `delayMs`, or half of what is left, whichever is less. */
  retry(delayMs: number): void {
    this.#due?.cancel();
    const leftMs = Math.max(0, this.#endMs - this.#clock.now());
    this.#due = this.#clock.after(Math.min(delayMs, leftMs / 2), this.#refresh);
  }

  /** Idempotent. */
  stop(): void {
    this.#due?.cancel();
    this.#end?.cancel();
    this.#due = undefined;
    this.#end = undefined;
  }
}
