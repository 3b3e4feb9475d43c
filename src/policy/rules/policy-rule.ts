import type { TransferMethod, TransferMode, TransferReason } from '../../call/vocabulary.js';

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

/** One rule as the policy reads it: the shape of `Rule` in the call plan. */
export interface PolicyRule {
  readonly name: string;
  readonly reason: TransferReason;
  /** Destination name; null for the project's default. */
  readonly to: string | null;
  readonly mode: TransferMode | null;
  readonly method: TransferMethod | null;
  readonly condition: RuleCondition;
}

/** Rules of each project, by project name, in the order in which they are tried. */
export type ProjectRules = Readonly<Record<string, readonly PolicyRule[]>>;
