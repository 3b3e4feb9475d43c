/** What is wrong with a configuration at one place. Values that came from the environment are never shown. */
export interface ConfigProblem {
  readonly severity: 'error' | 'warning';
  /** Stable: `syntax`, `duplicate_key`, `unknown_key`, `missing_key`, `bad_value`, `unsupported`, `unknown_reference`, … */
  readonly code: string;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** Characters to underline; at least 1. */
  readonly length: number;
  /** Path of the key, such as `projects.acme.transfer.ring_timeout` or `listen[0].port`; empty for the whole file. */
  readonly key: string;
  readonly message: string;
  readonly found: string | null;
  readonly expected: string | null;
  readonly remedy: string | null;
}
