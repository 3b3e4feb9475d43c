import type { Clock } from '../../common/clock.js';

/** Wrong passwords within the window that ban one user at one address, and an address whoever it says it is. */
export const FAILURES_PER_USER = 5;
export const FAILURES_PER_SOURCE = 30;
export const WINDOW_MS = 10 * 60_000;
export const BAN_MS = 10 * 60_000;
const MAX_KEYS = 20_000;

interface Entry {
  failures: number;
  sinceMs: number;
  bannedUntilMs: number;
}

/**
 * Counts wrong passwords per source, and bans one that guesses. Only failures with a nonce that went to that very
 * address are counted, so nobody can have another address banned. What is remembered is bounded.
 */
export class LoginGuard {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this address, or this user there, may not try for now. */
  isBanned(source: string, username: string | null): boolean {
    const now = this.#clock.now();
    const until = (key: string): number => this.#entries.get(key)?.bannedUntilMs ?? 0;
    return until(source) > now || (username !== null && until(`${source} ${username}`) > now);
  }

  /** A wrong password or an unknown user; true where that begins a ban. */
  failed(source: string, username: string): boolean {
    const ofUser = this.#count(`${source} ${username}`, FAILURES_PER_USER);
    return this.#count(source, FAILURES_PER_SOURCE) || ofUser;
  }

  /** The right password: the user's failures at this address are forgotten, the address's own are not. */
  succeeded(source: string, username: string): void {
    this.#entries.delete(`${source} ${username}`);
  }

  #count(key: string, limit: number): boolean {
    const now = this.#clock.now();
    let entry = this.#entries.get(key);
    if (!entry || now - entry.sinceMs > WINDOW_MS) {
      this.#entries.delete(key);
      entry = { failures: 0, sinceMs: now, bannedUntilMs: entry?.bannedUntilMs ?? 0 };
      this.#entries.set(key, entry);
      if (this.#entries.size > MAX_KEYS) {
        const oldest = this.#entries.keys().next();
        if (!oldest.done) this.#entries.delete(oldest.value);
      }
    }
    entry.failures += 1;
    if (entry.failures < limit) return false;
    entry.failures = 0;
    entry.sinceMs = now;
    entry.bannedUntilMs = now + BAN_MS;
    return true;
  }
}
