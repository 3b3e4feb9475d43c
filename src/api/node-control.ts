import type { OrderResult } from '../call/call-io.js';
import type { CallOrder } from '../call/call-record.js';
import type { DryRunReport, DryRunRequest } from './dry-run-schema.js';
import type { TrunkView } from './trunk-schema.js';

/** How one part of the node does. */
export type PartState = 'up' | 'restarting' | 'down';

/** The node's health. `failing` means that calls cannot be handled; `degraded` that something beside them is amiss. */
export interface NodeHealth {
  readonly status: 'ok' | 'degraded' | 'failing';
  readonly draining: boolean;
  /** Whether signalling has its connection to the SIP engine. */
  readonly controlServer: boolean;
  readonly parts: Readonly<Record<string, PartState>>;
  readonly calls: number;
  readonly uptimeS: number;
}

/** What became of a reload. Keys that only a restart can change are listed, and were left as they were. */
export type ReloadReport =
  | {
      readonly applied: true;
      readonly hash: string;
      readonly changed: readonly string[];
      readonly needsRestart: readonly string[];
      readonly warnings: readonly string[];
    }
  | { readonly applied: false; readonly problems: readonly string[] };

/** What the API may ask of the node. */
export interface NodeControl {
  /** Rejects with RelevoError `signalling_unavailable` where no answer came in time: the order may have been taken. */
  order(callId: string, order: CallOrder): Promise<OrderResult>;
  reload(): Promise<ReloadReport>;
  /** New calls are refused from now on; the node ends when the last call has ended, or after `withinMs`. */
  beginDrain(): { readonly calls: number; readonly withinMs: number };
  health(): NodeHealth;
  /** What would become of a described call; nothing is sent. */
  dryRun(request: DryRunRequest): Promise<DryRunReport>;
  /** Rejects with RelevoError `signalling_unavailable` where signalling does not answer. */
  trunks(): Promise<readonly TrunkView[]>;
  /** Prometheus text. */
  metrics(): Promise<string>;
}
