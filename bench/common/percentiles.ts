/** Summary of a set of samples, in the samples' unit. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Nearest-rank percentiles; null without samples. */
export function percentiles(samples: ArrayLike<number>): Percentiles | null {
  const count = samples.length;
  if (count === 0) return null;
  const sorted = Float64Array.from(samples).sort();
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(count * share) - 1)]!;
  return { count, p50: rank(0.5), p99: rank(0.99), max: sorted[count - 1]! };
}
