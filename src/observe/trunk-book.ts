import type { CallRecord } from '../call/call-record.js';
import type { TransferAttempt } from '../call/vocabulary.js';

/** A transfer attempt that failed. `at` is Unix ms. */
export interface AttemptFailureView {
  readonly at: number;
  readonly status: number | null;
  readonly detail: string;
  readonly callId: string;
}

export interface TrunkAttempts {
  readonly tried: number;
  readonly failed: number;
  readonly lastFailure: AttemptFailureView | null;
}

const NONE: TrunkAttempts = { tried: 0, failed: 0, lastFailure: null };
const MAX_CALLS = 100_000;

/** Counts transfer attempts by the trunk that had to carry them out. */
export class TrunkBook {
  readonly #trunkOf: (destination: string) => string | null;
  readonly #attempts = new Map<string, TrunkAttempts>();
  /** The trunk that each live call came by. */
  readonly #callers = new Map<string, string>();

  /** `trunkOf` finds the trunk of a destination; null for one that the configuration does not have. */
  constructor(trunkOf: (destination: string) => string | null) {
    this.#trunkOf = trunkOf;
  }

  apply(record: CallRecord): void {
    if (record.kind === 'call.started') {
      if (this.#callers.size < MAX_CALLS) this.#callers.set(record.callId, record.trunk);
    } else if (record.kind === 'call.ended') {
      this.#callers.delete(record.callId);
    } else if (record.kind === 'transfer.ended') {
      const { attempts, outcome } = record.result;
      attempts.forEach((attempt, index) => {
        const succeeded = index === attempts.length - 1 && outcome.startsWith('completed');
        this.#count(record.callId, attempt, succeeded, record.at);
      });
    }
  }

  of(trunk: string): TrunkAttempts {
    return this.#attempts.get(trunk) ?? NONE;
  }

  #count(callId: string, attempt: TransferAttempt, succeeded: boolean, at: number): void {
    const { method, destination, sipStatus: status, sipReason } = attempt;
    // A REFER is carried out by the caller's side, whatever the destination.
    const trunk = method === 'refer' ? this.#callers.get(callId) : this.#trunkOf(destination);
    if (trunk === undefined || trunk === null) return;
    const { tried, failed, lastFailure } = this.of(trunk);
    const answered = status === null ? 'no final answer' : `${status} ${sipReason ?? ''}`.trim();
    const detail = `${method} to ${destination}: ${answered}`;
    this.#attempts.set(trunk, {
      tried: tried + 1,
      failed: succeeded ? failed : failed + 1,
      lastFailure: succeeded ? lastFailure : { at, status, detail, callId },
    });
  }
}
