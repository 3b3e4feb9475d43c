/** A timer that its owner can stop. `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as an input, so that a machine with timers can be driven by a virtual clock in tests.
 * `now` is monotonic milliseconds (with fractions) from an arbitrary origin; `wallMs` is Unix time.
 */
export interface Clock {
  now(): number;
  wallMs(): number;
  /** Runs `fire` once, `delayMs` (>= 0) from now, unless cancelled first. */
  after(delayMs: number, fire: () => void): Timer;
}

/** The machine's own clock. */
export const realClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fire) {
    const handle = setTimeout(fire, delayMs);
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  },
};
