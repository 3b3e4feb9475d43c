import type { TransferMethod, TransferMode, TransferReason } from './vocabulary.js';

/** What the bot, the caller or the clock did, as the rules see it. */
export type PolicyEvent =
  | {
      readonly kind: 'turn';
      readonly intent: string | null;
      readonly confidence: number | null;
      readonly text: string | null;
    }
  | { readonly kind: 'no_match' }
  | { readonly kind: 'no_input' }
  | { readonly kind: 'dtmf'; readonly digit: string }
  | { readonly kind: 'tick' }
  | { readonly kind: 'bot_unreachable'; readonly status: number | null }
  | {
      readonly kind: 'custom';
      readonly name: string;
      readonly data: Readonly<Record<string, string | number | boolean>>;
    };

/**
 * Everything that a rule may look at. It travels with each question, so that the policy thread holds no state
 * of a call and can be replaced at any moment.
 */
export interface CallFacts {
  readonly callId: string;
  readonly project: string;
  readonly caller: string;
  readonly called: string;
  readonly trunk: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly durationS: number;
  readonly answered: boolean;
  /** The last turns, oldest first (32 at most), this event's included. */
  readonly turns: readonly { readonly intent: string | null; readonly confidence: number | null }[];
  readonly noMatchRun: number;
  readonly noInputRun: number;
  /** Digits pressed so far (the last 32). */
  readonly digits: string;
  readonly transfers: number;
}

export interface PolicyQuestion {
  readonly questionId: string;
  readonly event: PolicyEvent;
  readonly facts: CallFacts;
}

export type PolicyDecision =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'transfer';
      readonly rule: string;
      readonly reason: TransferReason;
      /** Destination name; null for the project's default. */
      readonly to: string | null;
      readonly mode: TransferMode | null;
      readonly method: TransferMethod | null;
      /** What the rule saw: `turns 3, 4, 5 below 0.4`, `digit 0`. */
      readonly evidence: string;
    };

/** What must hold for a rule to fire. */
export type RuleCondition =
  | { readonly kind: 'intent'; readonly intents: readonly string[] }
  | { readonly kind: 'low_confidence'; readonly below: number; readonly turns: number }
  | { readonly kind: 'no_match'; readonly turns: number }
  | { readonly kind: 'no_input'; readonly turns: number }
  | { readonly kind: 'dtmf'; readonly digits: string }
  | { readonly kind: 'duration'; readonly overS: number }
  | { readonly kind: 'bot_unreachable' }
  | { readonly kind: 'when'; readonly expression: string };

/** One rule of the policy. Exactly one condition; the first rule that holds wins. */
export interface Rule {
  readonly name: string;
  readonly reason: TransferReason;
  /** Destination name; null for the project's default. */
  readonly to: string | null;
  readonly mode: TransferMode | null;
  readonly method: TransferMethod | null;
  readonly condition: RuleCondition;
}

/** Rules of each project, by project name, in the order in which they are tried. */
export type ProjectRules = Readonly<Record<string, readonly Rule[]>>;
