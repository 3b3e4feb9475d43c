import type { MessagePort } from 'node:worker_threads';
import type { OrderResult } from '../call/call-io.js';
import type { CallOrder, CallRecord } from '../call/call-record.js';
import type { DirectoryState } from '../call/destinations/destination-directory.js';
import type { CallPlan } from '../call/project.js';
import type { LogLevel } from '../common/log.js';
import type { RegistrationView } from './registration/registration.js';
import type { ThreadLoadReading } from '../common/thread-load.js';
import type { AdmissionState } from './admission.js';

/** How the signalling thread reaches its drachtio server (the embedded engine or a real one). */
export interface ControlServerAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

/** `workerData` of the signalling thread. */
export interface SignallingThreadOptions {
  readonly logLevel: LogLevel;
  readonly control: ControlServerAddress;
  readonly plan: CallPlan;
  /** IPv4 address that stands in our SDP. */
  readonly mediaAddress: string;
  readonly mediaAddress6?: string | null;
  /** IPv4 address at which the media workers reach each other; absent: that of the SDP. */
  readonly loopAddress?: string;
  /** Can the media mix several parties? True where it is not said. */
  readonly mixes?: boolean;
}

/** Counters of the signalling thread since its start; `calls` is a gauge. */
export interface SignallingStats extends ThreadLoadReading {
  readonly calls: number;
  readonly callsTotal: number;
  /** Refused INVITEs by reason: `unknown_number`, `source_not_allowed`, `call_limit`, `rate_limit`, `draining`, … */
  readonly refused: Readonly<Record<string, number>>;
  readonly policyLate: number;
  readonly policyAnswered: number;
  readonly badMessages: number;
  /** Requests that were asked to log in. */
  readonly loginChallenges: number;
  /** Requests of ours whose credentials were refused. */
  readonly authFailures: number;
  /** By trunk, of those that register. */
  readonly registered: Readonly<Record<string, boolean>>;
  /** Gauges: dialogs and INVITEs of calls, timers of calls, transfers under way. */
  readonly legs: number;
  readonly callTimers: number;
  readonly transfersInFlight: number;
}

/** One trunk's calls as the signalling thread counts them. */
export interface TrunkCounts {
  /** Calls in progress that came by this trunk. */
  readonly calls: number;
  /** INVITEs from this trunk that were refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly lastRefused: { readonly at: number; readonly reason: string; readonly status: number } | null;
}

/** What the signalling thread knows of trunks and destinations beside the plan. */
export interface SignallingTrunks {
  readonly trunks: Readonly<Record<string, TrunkCounts>>;
  readonly directory: DirectoryState;
  /** By trunk, of those that register. */
  readonly registrations: Readonly<Record<string, RegistrationView>>;
  readonly admission: AdmissionState;
}

/** Control thread → signalling thread. */
export type ToSignalling =
  /** A port to media worker `index` (speaks src/media/worker-messages.ts); replaces the former one of that index. */
  | { readonly kind: 'mediaWorker'; readonly index: number; readonly port: MessagePort }
  /** A port to the policy thread (speaks src/policy/thread-messages.ts); replaces the former one. */
  | { readonly kind: 'policy'; readonly port: MessagePort }
  /** A new plan for calls to come; calls in progress keep theirs. */
  | { readonly kind: 'plan'; readonly plan: CallPlan }
  | { readonly kind: 'order'; readonly orderId: string; readonly callId: string; readonly order: CallOrder }
  /** Refuse new calls with 503 from now on. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'getStats'; readonly requestId: string }
  | { readonly kind: 'getTrunks'; readonly requestId: string }
  /** End every call and stop; answered by `closed`. */
  | { readonly kind: 'close' };

/** Signalling thread → control thread. */
export type FromSignalling =
  | { readonly kind: 'ready' }
  /** Records in order, several at once where several happened in one turn of the loop. */
  | { readonly kind: 'records'; readonly records: readonly CallRecord[] }
  /** Answer to `order`; an unknown call is refused with the code `unknown_call`. */
  | { readonly kind: 'orderResult'; readonly orderId: string; readonly result: OrderResult }
  | { readonly kind: 'stats'; readonly requestId: string; readonly stats: SignallingStats }
  | { readonly kind: 'trunks'; readonly requestId: string; readonly trunks: SignallingTrunks }
  | { readonly kind: 'controlServer'; readonly connected: boolean; readonly detail: string }
  | { readonly kind: 'closed' };
