import type { MediaLeg } from './media-leg.js';
import type { MessageBatch } from './message-batch.js';
import type { ToMediaWorker } from './worker-messages.js';

/** A media worker as the signalling thread sees it. */
export interface WorkerLink {
  readonly index: number;
  readonly commands: MessageBatch<ToMediaWorker>;
  readonly legs: Map<string, MediaLeg>;
}

/** The legs of one call, which are all on one worker. */
export interface MediaCall {
  readonly callId: string;
  readonly legs: Map<string, MediaLeg>;
  /** Null while another worker is looked for, and where none was found. */
  worker: WorkerLink | null;
  /** Which worker was lost last: another one is tried first. */
  lostAt: WorkerLink | null;
  /** Its worker was lost and no other one took it: its legs have no media any more. */
  dead: boolean;
  /** When its worker was lost, by the clock; how often that came to pass lately. */
  lostAtMs: number;
  losses: number;
}
