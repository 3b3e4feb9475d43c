/** The base values of RFC 3261 17.1.1.1, in milliseconds. */
export interface TimerValues {
  /** Round-trip estimate. */
  readonly T1: number;
  /** Longest interval between retransmissions of non-INVITE requests and INVITE responses. */
  readonly T2: number;
  /** How long a message can stay in the network. */
  readonly T4: number;
  /**
   * How long an INVITE that we sent may ring without a provisional response (RFC 3261 16.6 step 11): then the
   * layer cancels it. 0 turns it off.
   */
  readonly timerC: number;
}

export const DEFAULT_TIMERS: TimerValues = { T1: 500, T2: 4000, T4: 5000, timerC: 0 };

/**
 * The timers of RFC 3261 (table 4) and RFC 6026. `X` is the wait for a final response after a CANCEL, which
 * RFC 3261 9.1 asks for without naming it.
 */
export type TimerName = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M' | 'X';

/**
 * The first delay of a timer in milliseconds; `undefined` when it does not run on that kind of transport, 0
 * when it fires at once.
 */
export function firstDelay(timer: TimerName, reliable: boolean, values: TimerValues): number | undefined {
  switch (timer) {
    case 'A':
    case 'E':
    case 'G':
      return reliable ? undefined : values.T1;
    case 'B':
    case 'F':
    case 'H':
    case 'L':
    case 'M':
    case 'X':
      return 64 * values.T1;
    case 'C':
      return values.timerC > 0 ? values.timerC : undefined;
    case 'D':
      return reliable ? 0 : Math.max(32_000, 64 * values.T1);
    case 'J':
      return reliable ? 0 : 64 * values.T1;
    case 'I':
    case 'K':
      return reliable ? 0 : values.T4;
  }
}

/** The delay after `previousMs` of a timer that paces retransmissions: doubled; E and G stop growing at T2. */
export function nextDelay(timer: 'A' | 'E' | 'G', previousMs: number, values: TimerValues): number {
  return timer === 'A' ? previousMs * 2 : Math.min(previousMs * 2, values.T2);
}
