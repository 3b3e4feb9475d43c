import type { Clock, Timer } from '../../common/clock.js';
import { OneWayWatch, type Missing } from '../worker/one-way-watch.js';
import type { RtpengineCall } from './rtpengine-call.js';

/** How often a call is asked for its last packets where a leg of it is watched; rtpengine counts in whole seconds. */
const WATCHED_MS = 1000;
/** And where none is: for one-way audio, and so that a call which rtpengine has lost is noticed. */
const OTHERS_EVERY = 5;

export interface SilenceRoundsOptions {
  readonly clock: Clock;
  readonly calls: () => Iterable<RtpengineCall>;
  readonly onSilent: (legId: string, silentMs: number) => void;
  readonly onOneWay: (legId: string, missing: Missing, forMs: number) => void;
  readonly onFailed: (call: RtpengineCall, error: unknown) => void;
}

interface Watched {
  readonly callId: string;
  /** 0: not watched for silence. */
  watchMs: number;
  sinceMs: number;
  reported: boolean;
  readonly oneWay: OneWayWatch;
}

/** Asks rtpengine in rounds who was last heard when: time-outs of RTP, and audio that goes one way only. */
export class SilenceRounds {
  readonly #options: SilenceRoundsOptions;
  readonly #legs = new Map<string, Watched>();
  #timer: Timer | null = null;
  #round = 0;
  #closed = false;

  constructor(options: SilenceRoundsOptions) {
    this.#options = options;
  }

  /** A leg is there; nothing is told of it before it is agreed or watched. */
  add(callId: string, legId: string): void {
    const sinceMs = this.#options.clock.wallMs();
    this.#legs.set(legId, { callId, watchMs: 0, sinceMs, reported: false, oneWay: new OneWayWatch() });
    this.#timer ??= this.#roundLater();
  }

  remove(legId: string): void {
    this.#legs.delete(legId);
  }

  /** Silence of so long is told once, and again after packets have come; 0 stops that. */
  watch(legId: string, timeoutMs: number): void {
    const leg = this.#legs.get(legId);
    if (!leg) return;
    leg.watchMs = timeoutMs;
    leg.sinceMs = this.#options.clock.wallMs();
    leg.reported = false;
  }

  /** Asks of every call at once. */
  hurry(): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(0, () => {
      this.#round = 0;
      void this.#ask();
    });
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#legs.clear();
  }

  #roundLater(): Timer {
    return this.#options.clock.after(WATCHED_MS, () => {
      this.#round++;
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    const { calls, onFailed } = this.#options;
    const all = this.#round % OTHERS_EVERY === 0;
    const watched = new Set<string>();
    for (const { callId, watchMs } of this.#legs.values()) if (all || watchMs > 0) watched.add(callId);
    for (const call of [...calls()]) {
      if (!watched.has(call.callId) || this.#closed) continue;
      try {
        this.#judge(await call.activity());
      } catch (error) {
        onFailed(call, error);
      }
    }
    if (this.#closed) return;
    this.#timer = this.#legs.size > 0 ? this.#roundLater() : null;
  }

  #judge(active: Awaited<ReturnType<RtpengineCall['activity']>>): void {
    const { clock, onSilent, onOneWay } = this.#options;
    const nowMs = clock.wallMs();
    for (const [legId, { lastReceivedMs, lastSentMs, bothWays }] of active) {
      const leg = this.#legs.get(legId);
      if (!leg) continue;
      const silentMs = nowMs - Math.max(lastReceivedMs, leg.sinceMs);
      const silent = leg.watchMs > 0 && silentMs >= leg.watchMs;
      if (silent && !leg.reported) onSilent(legId, silentMs);
      leg.reported = silent;
      leg.oneWay.setAgreed(bothWays, nowMs);
      const oneWay = leg.oneWay.check(nowMs, lastSentMs ?? nowMs, lastReceivedMs);
      if (oneWay) onOneWay(legId, oneWay.missing, oneWay.forMs);
    }
  }
}
