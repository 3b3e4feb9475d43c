import type { ConfigProblem } from './config-problem.js';
import type { RelevoConfig } from './relevo-config.js';

/** A configuration file, or its text where it did not come from a file (`path` then only names it in messages). */
export type ConfigSource = { readonly path: string } | { readonly text: string; readonly path: string };

/** What a `when` expression gets wrong: null for a good one. `checkExpression` of src/policy/rules fits. */
export type ExpressionCheck = (
  expression: string,
) => { readonly message: string; readonly offset: number } | null;

export interface LoadOptions {
  /** Values for `${NAME}`, usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Pass `checkExpression` from src/policy/rules/expression.js. */
  readonly checkExpression: ExpressionCheck;
}

export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: RelevoConfig;
      readonly warnings: readonly ConfigProblem[];
      /** The text as read, for `formatProblems`. */
      readonly text: string;
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly text: string };

/** Reads and validates a whole configuration. Never throws for what a file holds; collects every problem. */
export function loadConfig(source: ConfigSource, options: LoadOptions): LoadedConfig {
  throw new Error(`not readable yet: ${source.path} ${typeof options.env}`);
}
