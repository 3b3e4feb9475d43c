import type { Clock, Timer } from '../../common/clock.js';
import { tonesIn } from './goertzel.js';

const WINDOW_SAMPLES = 1600;
/** A window that the next packet finds older than this is judged by what it has. */
const STALE_MS = 120;
const LEAST_SAMPLES = 480;
const AUDIBLE_MEAN = 60;
const TOLERANCE_HZ = 10;
/** Pauses shorter than this are packet timing, not silence. */
const SHORTEST_SILENCE_MS = 60;
const WINDOWS_KEPT = 3000;

/** About 200 ms of received audio and the tones in it. Times are `Clock.now()`. */
export interface AudioWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly tones: readonly number[];
}

/** One frequency and when it was heard without a break. */
export interface HeardTone {
  readonly hz: number;
  readonly fromMs: number;
  readonly toMs: number;
}

interface Waiter {
  onWindow(window: AudioWindow): void;
  stop(reason: string): void;
}

/** What a user agent hears: it cuts received audio into windows of about 200 ms and names the tones in each. */
export class Hearing {
  readonly #clock: Clock;
  readonly #pending = new Int16Array(WINDOW_SAMPLES);
  #pendingCount = 0;
  #pendingFromMs = 0;
  #lastReceivedMs = 0;
  #lastAudibleMs: number | null = null;
  readonly #windows: AudioWindow[] = [];
  readonly #silences: { fromMs: number; toMs: number }[] = [];
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes decoded 8 kHz samples as they arrive. */
  receive(samples: Int16Array): void {
    const now = this.#clock.now();
    this.#noteSilence(samples, now);
    if (this.#pendingCount > 0 && now - this.#lastReceivedMs > STALE_MS)
      this.#finishWindow(this.#lastReceivedMs);
    this.#lastReceivedMs = now;
    let taken = 0;
    while (taken < samples.length) {
      if (this.#pendingCount === 0) this.#pendingFromMs = now;
      const room = Math.min(WINDOW_SAMPLES - this.#pendingCount, samples.length - taken);
      this.#pending.set(samples.subarray(taken, taken + room), this.#pendingCount);
      this.#pendingCount += room;
      taken += room;
      if (this.#pendingCount === WINDOW_SAMPLES) this.#finishWindow(now);
    }
  }

  /** All windows so far, oldest first. */
  get windows(): readonly AudioWindow[] {
    return this.#windows;
  }

  /** The tones heard since `sinceMs` (all by default), each with the range in which it did not stop. */
  heard(sinceMs = 0): HeardTone[] {
    const done: HeardTone[] = [];
    let open: HeardTone[] = [];
    for (const window of this.#windows) {
      if (window.fromMs < sinceMs) continue;
      const next: HeardTone[] = window.tones.map((hz) => {
        const before = open.find((one) => near(one.hz, hz));
        return { hz: before?.hz ?? hz, fromMs: before?.fromMs ?? window.fromMs, toMs: window.toMs };
      });
      done.push(...open.filter((one) => !next.some((other) => near(one.hz, other.hz))));
      open = next;
    }
    return [...done, ...open].sort((a, b) => a.fromMs - b.fromMs);
  }

  /** Was `hz` heard in a window that began at `sinceMs` or later? */
  hasHeard(hz: number, sinceMs = 0): boolean {
    return this.#windows.some((window) => window.fromMs >= sinceMs && contains(window, hz));
  }

  /** The longest stretch without audible sound since `sinceMs`, in ms (resolution: one packet). */
  longestSilenceMs(sinceMs = 0): number {
    const ended = this.#silences
      .filter((one) => one.toMs > sinceMs)
      .map((one) => one.toMs - Math.max(one.fromMs, sinceMs));
    const current = this.#clock.now() - Math.max(this.#lastAudibleMs ?? sinceMs, sinceMs);
    return Math.max(current >= SHORTEST_SILENCE_MS ? current : 0, ...ended, 0);
  }

  /** Resolves with the first window that ends after this call (or began after `sinceMs`) and holds `hz`. */
  hears(hz: number, options: { withinMs: number; sinceMs?: number }): Promise<AudioWindow> {
    const since = options.sinceMs;
    if (since !== undefined) {
      const past = this.#windows.find((window) => window.fromMs >= since && contains(window, hz));
      if (past !== undefined) return Promise.resolve(past);
    }
    return new Promise((resolve, reject) => {
      this.#wait(`hear ${hz} Hz`, options.withinMs, reject, (window, done) => {
        if (!contains(window, hz)) return;
        done();
        resolve(window);
      });
    });
  }

  /** Resolves when `hz` has not been heard for `forMs` (400 by default), packets or none. */
  stopsHearing(hz: number, options: { withinMs: number; forMs?: number }): Promise<void> {
    const forMs = options.forMs ?? 400;
    return new Promise((resolve, reject) => {
      let quiet: Timer;
      const arm = (finish: () => void): Timer =>
        this.#clock.after(forMs, () => {
          finish();
          resolve();
        });
      const waiter = this.#wait(`stop hearing ${hz} Hz`, options.withinMs, reject, (window, done) => {
        if (!contains(window, hz)) return;
        quiet.cancel();
        quiet = arm(done);
      });
      quiet = arm(waiter.done);
      waiter.onDone(() => {
        quiet.cancel();
      });
    });
  }

  /** Ends every wait with an error. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const waiter of [...this.#waiters]) waiter.stop('the media session ended');
  }

  #wait(
    what: string,
    withinMs: number,
    reject: (error: Error) => void,
    onWindow: (window: AudioWindow, done: () => void) => void,
  ): { done: () => void; onDone: (run: () => void) => void } {
    const ends: (() => void)[] = [];
    const startedMs = this.#clock.now();
    const done = (): void => {
      deadline.cancel();
      this.#waiters.delete(waiter);
      for (const end of ends) end();
    };
    const fail = (reason: string): void => {
      done();
      const heard = this.heard(startedMs).map(
        (one) => `${one.hz} Hz for ${Math.round(one.toMs - one.fromMs)} ms`,
      );
      reject(new Error(`did not ${what}: ${reason}; heard ${heard.join(', ') || 'nothing'}`));
    };
    const waiter: Waiter = {
      onWindow: (window) => {
        onWindow(window, done);
      },
      stop: fail,
    };
    const deadline = this.#clock.after(withinMs, () => {
      fail(`${withinMs} ms passed`);
    });
    this.#waiters.add(waiter);
    if (this.#closed) fail('the media session ended');
    return { done, onDone: (run) => void ends.push(run) };
  }

  #finishWindow(toMs: number): void {
    const samples = this.#pending.subarray(0, this.#pendingCount);
    this.#pendingCount = 0;
    if (samples.length < LEAST_SAMPLES) return;
    const tones = isAudible(samples) ? tonesIn(samples) : [];
    const window: AudioWindow = { fromMs: this.#pendingFromMs, toMs, tones };
    this.#windows.push(window);
    if (this.#windows.length > WINDOWS_KEPT) this.#windows.shift();
    for (const waiter of [...this.#waiters]) waiter.onWindow(window);
  }

  #noteSilence(samples: Int16Array, now: number): void {
    if (!isAudible(samples)) return;
    const last = this.#lastAudibleMs;
    if (last !== null && now - last >= SHORTEST_SILENCE_MS) this.#silences.push({ fromMs: last, toMs: now });
    this.#lastAudibleMs = now;
  }
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE_HZ;
}

function contains(window: AudioWindow, hz: number): boolean {
  return window.tones.some((one) => near(one, hz));
}

function isAudible(samples: Int16Array): boolean {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += Math.abs(samples[i]!);
  return samples.length > 0 && sum / samples.length >= AUDIBLE_MEAN;
}
