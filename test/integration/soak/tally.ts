import { createHash } from 'node:crypto';
import type { TransferResult } from '../../../src/call/vocabulary.js';

const RECENT = 500;

/** Counts results by outcome, and sums up what they say, so that two accounts can be compared without keeping them. */
export class Tally {
  readonly outcomes: Record<string, number> = {};
  readonly #recent = new Set<string>();
  #count = 0;
  #digest = 0n;

  get count(): number {
    return this.#count;
  }

  /** The sum of a digest of each result: the same for the same results in any order. */
  get digest(): string {
    return this.#digest.toString(16);
  }

  /** False where the transfer has been counted. Only the last few are remembered by name. */
  add(result: TransferResult): boolean {
    if (this.#recent.has(result.transferId)) return false;
    this.#recent.add(result.transferId);
    for (const oldest of this.#recent) {
      if (this.#recent.size <= RECENT) break;
      this.#recent.delete(oldest);
    }
    this.#count++;
    this.outcomes[result.outcome] = (this.outcomes[result.outcome] ?? 0) + 1;
    const hash = createHash('sha256')
      .update(JSON.stringify(sorted(result)))
      .digest();
    this.#digest = BigInt.asUintN(64, this.#digest + hash.readBigUInt64BE());
    return true;
  }
}

/** With the keys of every object in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
