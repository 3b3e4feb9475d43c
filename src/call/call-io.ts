import type { CallOrder, CallRecord } from './call-record.js';
import type { PolicyDecision, PolicyQuestion } from './decision.js';
import type { MediaCommand, MediaEvent } from './media-port.js';
import type { SignallingCommand, SignallingEvent } from './signalling-port.js';

/** Everything that can happen to a call. Inputs are handled one at a time, each to its end. */
export type CallInput =
  | { readonly port: 'signalling'; readonly event: SignallingEvent }
  | { readonly port: 'media'; readonly event: MediaEvent }
  /**
   * `late` marks the default decision, taken because the policy missed its deadline, and the policy's own decision
   * where it comes after that.
   */
  | {
      readonly port: 'policy';
      readonly questionId: string;
      readonly decision: PolicyDecision;
      readonly late: boolean;
    }
  | { readonly port: 'timer'; readonly name: string }
  | { readonly port: 'order'; readonly orderId: string; readonly order: CallOrder };

/** How an order was taken. `code` is stable: `transfer_in_flight`, `not_allowed`, `listen_off`, `call_ending`, … */
export type OrderResult =
  { readonly accepted: true } | { readonly accepted: false; readonly code: string; readonly detail: string };

/** Everything that a call may ask for. */
export type CallCommand =
  | { readonly port: 'signalling'; readonly command: SignallingCommand }
  | { readonly port: 'media'; readonly command: MediaCommand }
  /** A question with its deadline; `fallback` is the decision if no answer comes in time. */
  | {
      readonly port: 'policy';
      readonly question: PolicyQuestion;
      readonly deadlineMs: number;
      readonly fallback: PolicyDecision;
    }
  /** (Re)starts the named timer of this call; `afterMs` null stops it. */
  | { readonly port: 'timer'; readonly name: string; readonly afterMs: number | null }
  | { readonly port: 'record'; readonly record: CallRecord }
  | { readonly port: 'order'; readonly orderId: string; readonly result: OrderResult }
  /** Nothing of this call is left: no leg, no port, no timer. It must not be spoken to again. */
  | { readonly port: 'end' };
