/**
 * An error that an operator can act on. `code` is stable (documented in docs/errors.md), the message says
 * what happened, `remedy` what to do about it.
 */
export class RelevoError extends Error {
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RelevoError';
    this.code = code;
    this.remedy = remedy;
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
