import type { CallState, LegView } from '../call/call-record.js';
import type { LegFigures } from '../call/media-port.js';
import type { ListenerView } from './listener-view.js';
import type {
  EndedBy,
  TransferMethod,
  TransferMode,
  TransferReason,
  TransferResult,
} from '../call/vocabulary.js';

/** One step of a transfer as the API shows it. `at` is Unix ms. */
export interface TransferStep {
  readonly at: number;
  readonly progress: string;
  readonly destination: string;
  readonly detail: string | null;
}

/** A transfer as the API shows it. `accepted`: the order was taken and no step has been reported yet. */
export interface TransferView {
  readonly transferId: string;
  readonly callId: string;
  readonly state: 'accepted' | 'running' | 'ended';
  readonly startedAt: number;
  readonly reason: TransferReason;
  readonly rule: string | null;
  readonly evidence: string | null;
  readonly destination: string | null;
  readonly mode: TransferMode | null;
  readonly method: TransferMethod | null;
  readonly steps: readonly TransferStep[];
  readonly result: TransferResult | null;
}

/** Something noteworthy in a call: a digit, a rule, a lost bot. `at` is Unix ms. */
export interface CallNote {
  readonly at: number;
  readonly name: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** A call as the API shows it. Times are Unix ms; null where it has not come to that. */
export interface CallView {
  readonly callId: string;
  readonly state: CallState;
  readonly project: string;
  readonly trunk: string;
  readonly caller: string;
  readonly called: string;
  readonly sipCallId: string;
  readonly sourceAddress: string;
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly endedAt: number | null;
  readonly durationMs: number | null;
  readonly endedBy: EndedBy | null;
  readonly sipStatus: number | null;
  readonly cause: string | null;
  readonly legs: readonly LegView[];
  readonly transfers: readonly TransferView[];
  /** The operators who heard it or hear it. */
  readonly listeners: readonly ListenerView[];
  readonly notes: readonly CallNote[];
  readonly media: Readonly<Record<string, LegFigures>> | null;
}
