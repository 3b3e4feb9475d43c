import type { TimerName } from './timers.js';

/** What a machine asks of the layer, in order. */
export type Action =
  /** Sends the request or the response of this event, and keeps its bytes. */
  | 'send'
  /** Sends the kept bytes again. */
  | 'resend'
  /** Builds and sends the ACK to a non-2xx, or repeats it. */
  | 'send-ack'
  | 'send-trying'
  /** Sends the CANCEL that the user asked for. */
  | 'send-cancel'
  /** Hands the event's message to the user. */
  | 'pass-up'
  | 'report-timeout'
  | 'report-transport-error'
  /** Forgets the request: later states need no more than its key. */
  | 'drop-request'
  | `start-${TimerName}`
  | `stop-${TimerName}`
  /** Starts a retransmission timer again with the next interval. */
  | `pace-${'A' | 'E' | 'G'}`
  /** Starts timer E again with T2 at once (RFC 3261 17.1.2.2, Proceeding). */
  | 'slow-E';

/**
 * A row of a machine: the next state and what to do on the way there. Sending and passing up come last, for
 * they may bring the next event at once.
 */
export interface Step<S extends string> {
  readonly next: S;
  readonly actions: readonly Action[];
}

/** A machine as data. A missing row is an invalid transition: the event is refused or counted, nothing moves. */
export type StateTable<S extends string, E extends string> = Readonly<
  Record<S, Readonly<Partial<Record<E, Step<S>>>>>
>;

/** A row. */
export function to<S extends string>(next: S, ...actions: Action[]): Step<S> {
  return { next, actions };
}

/** The row for an event, or undefined when the machine has none in that state. */
export function transition<S extends string, E extends string>(
  table: StateTable<S, E>,
  state: S,
  event: E,
): Step<S> | undefined {
  return table[state][event];
}
