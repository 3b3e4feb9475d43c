import type { MessagePort } from 'node:worker_threads';
import type { ProjectRules } from '../call/decision.js';
import type { LogLevel } from '../common/log.js';

/** `workerData` of the policy thread. */
export interface PolicyThreadData {
  readonly projects: ProjectRules;
  readonly logLevel: LogLevel;
  /** Whether `block` and `crash` are obeyed: only in tests and benchmarks. */
  readonly allowFaults: boolean;
}

/** Control thread → policy thread. */
export type ControlToPolicy =
  /** A port to a signalling thread (speaks thread-messages.ts). */
  | { readonly kind: 'signalling'; readonly port: MessagePort }
  /** New rules, for every question from now on. */
  | { readonly kind: 'plan'; readonly projects: ProjectRules }
  | { readonly kind: 'getStats'; readonly requestId: number }
  | { readonly kind: 'block'; readonly ms: number }
  | { readonly kind: 'crash' };

/** Counters of one policy thread since it started. */
export interface PolicyCounters {
  readonly asked: number;
  readonly transfers: number;
  /** Decisions to transfer, by `project/rule`. */
  readonly byRule: Readonly<Record<string, number>>;
  readonly expressionErrors: number;
  readonly badMessages: number;
}

/** Policy thread → control thread. */
export type PolicyToControl =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stats'; readonly requestId: number; readonly counters: PolicyCounters };
