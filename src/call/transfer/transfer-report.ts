import type { CallHost, TransferWish } from '../call-host.js';
import type { Leg } from '../leg/leg.js';
import type { TransferMethod, TransferMode, TransferOutcome, TransferResult } from '../vocabulary.js';
import type { AttemptLog } from './attempt.js';

/** How long the measured silence is awaited before the result goes out without it. */
const GAP_WITHIN_MS = 2_000;

export interface TransferReportDeps {
  readonly transferId: string;
  readonly wish: TransferWish;
  readonly mode: TransferMode;
  readonly method: TransferMethod;
}

export interface Conclusion {
  readonly outcome: TransferOutcome;
  readonly detail: string;
  readonly humanConnectedAt: number | null;
}

/** The records of one transfer, up to its one terminal result. */
export class TransferReport {
  readonly #host: CallHost;
  readonly #deps: TransferReportDeps;
  readonly #logs: AttemptLog[] = [];
  #measured: Leg | null = null;
  #pending: { readonly conclusion: Conclusion; readonly done: (result: TransferResult) => void } | null =
    null;

  constructor(host: CallHost, deps: TransferReportDeps) {
    this.#host = host;
    this.#deps = deps;
  }

  started(destination: string): void {
    const { context } = this.#host;
    const { transferId, wish, mode, method } = this.#deps;
    const { reason, rule, evidence } = wish;
    const about = { callId: context.callId, at: context.wallMs(), transferId, destination, mode, method };
    context.record({ kind: 'transfer.started', ...about, reason, rule, evidence });
  }

  progress(progress: string, destination: string, detail: string | null): void {
    const { context } = this.#host;
    const about = { callId: context.callId, at: context.wallMs(), transferId: this.#deps.transferId };
    context.record({ kind: 'transfer.progress', ...about, progress, destination, detail });
  }

  attempt(log: AttemptLog): void {
    this.#logs.push(log);
  }

  /** From now on the silence that the caller is sent is measured; an unanswered caller has none. */
  measure(): void {
    const { caller } = this.#host.roles;
    if (!caller?.up) return;
    this.#measured = caller;
    caller.media.startGap();
  }

  /** The outcome is certain: the result goes out as soon as the measured silence is known. */
  conclude(conclusion: Conclusion, done: (result: TransferResult) => void): void {
    this.#pending = { conclusion, done };
    const { context } = this.#host;
    if (!this.#measured) {
      this.#finish(null);
      return;
    }
    context.timers.start('transfer.gap', GAP_WITHIN_MS, () => this.#finish(null));
    this.#measured.media.stopGap((gapMs) => this.#finish(gapMs));
  }

  /** Nothing more can be measured. */
  finishNow(): void {
    this.#finish(null);
  }

  #finish(gapMs: number | null): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = null;
    const { context } = this.#host;
    context.timers.stop('transfer.gap');
    const { transferId, wish, mode, method } = this.#deps;
    const result: TransferResult = {
      transferId,
      callId: context.callId,
      reason: wish.reason,
      rule: wish.rule,
      evidence: wish.evidence,
      summary: wish.summary,
      mode,
      method,
      ...pending.conclusion,
      attempts: this.#logs.map((log) => log.view()),
      gapMs,
    };
    context.record({ kind: 'transfer.ended', callId: context.callId, at: context.wallMs(), result });
    pending.done(result);
  }
}
