import type { PolicyEvent } from './decision.js';
import type { LegFigures } from './media-port.js';
import type {
  EndedBy,
  Party,
  TransferMethod,
  TransferMode,
  TransferReason,
  TransferResult,
} from './vocabulary.js';

/** The state of a call as the API shows it. */
export type CallState =
  'connecting' | 'early' | 'with_bot' | 'transferring' | 'with_agent' | 'ending' | 'ended';

/** A leg as the API shows it. */
export interface LegView {
  readonly legId: string;
  readonly party: Party;
  readonly state: string;
  readonly sipCallId: string | null;
  readonly remote: string;
  readonly onHold: boolean;
}

/** What happened in a call: the one stream behind events, CDRs, webhooks and metrics. Times are Unix ms. */
export type CallRecord =
  | {
      readonly kind: 'call.started';
      readonly callId: string;
      readonly at: number;
      readonly project: string;
      readonly trunk: string;
      readonly caller: string;
      readonly called: string;
      readonly sipCallId: string;
      readonly sourceAddress: string;
    }
  | {
      readonly kind: 'call.state';
      readonly callId: string;
      readonly at: number;
      readonly state: CallState;
      readonly legs: readonly LegView[];
    }
  | {
      readonly kind: 'call.event';
      readonly callId: string;
      readonly at: number;
      readonly name: string;
      readonly detail: Readonly<Record<string, string | number | boolean | null>>;
    }
  | {
      readonly kind: 'transfer.started';
      readonly callId: string;
      readonly at: number;
      readonly transferId: string;
      readonly reason: TransferReason;
      readonly rule: string | null;
      readonly evidence: string | null;
      readonly destination: string;
      readonly mode: TransferMode;
      readonly method: TransferMethod;
    }
  /** `progress`: `referred`, `ringing`, `answered`, `briefing`, `accepted`, `connected`, `failed`, … */
  | {
      readonly kind: 'transfer.progress';
      readonly callId: string;
      readonly at: number;
      readonly transferId: string;
      readonly progress: string;
      readonly destination: string;
      readonly detail: string | null;
    }
  | {
      readonly kind: 'transfer.ended';
      readonly callId: string;
      readonly at: number;
      readonly result: TransferResult;
    }
  | {
      readonly kind: 'call.ended';
      readonly callId: string;
      readonly at: number;
      readonly endedBy: EndedBy;
      /** The status sent to the caller where the call was never answered, else null. */
      readonly sipStatus: number | null;
      readonly cause: string;
      readonly durationMs: number;
      readonly answeredAt: number | null;
      readonly transfers: readonly TransferResult[];
      readonly media: Readonly<Record<string, LegFigures>>;
    };

/** What an operator or the API asks of a call. */
export type CallOrder =
  | {
      readonly kind: 'transfer';
      readonly transferId: string;
      /** A destination's name, a SIP URI or a number; null for the project's default. */
      readonly to: string | null;
      readonly reason: TransferReason;
      readonly mode: TransferMode | null;
      readonly method: TransferMethod | null;
      readonly headers: Readonly<Record<string, string>>;
      readonly summary: string | null;
    }
  | {
      readonly kind: 'listen';
      readonly listenerId: string;
      /** A destination's name, a SIP URI or a number. */
      readonly to: string;
      /** The token that asked; null where none is needed. */
      readonly by: string | null;
    }
  | { readonly kind: 'stopListening'; readonly listenerId: string }
  | { readonly kind: 'cancelTransfer'; readonly transferId: string }
  | { readonly kind: 'hangup'; readonly cause: string }
  | {
      readonly kind: 'botEvent';
      readonly event: PolicyEvent;
    };
