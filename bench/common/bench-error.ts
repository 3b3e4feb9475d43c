import type { BenchProblem } from './figures.js';

/** Something could not be measured: what, why, and what to do about it. */
export class BenchError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
    this.name = 'BenchError';
  }
}

/** Any failure as a problem of a section. */
export function problemOf(error: unknown): BenchProblem {
  if (error instanceof BenchError) {
    return { code: error.code, message: error.message, remedy: error.remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  const remedy =
    error instanceof Error && 'remedy' in error ? String(error.remedy) : 'Run the section alone with --only.';
  return { code: 'failed', message, remedy };
}
