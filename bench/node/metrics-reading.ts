/** What the benchmarks read from /metrics. */
export interface MetricsReading {
  readonly liveCalls: number;
  /** Refused INVITEs (busy node, unknown number …). */
  readonly refused: number;
  readonly policyLate: number;
}

/** Reads the text format of Prometheus, as far as needed. */
export function parseMetrics(text: string): MetricsReading {
  let liveCalls = 0;
  let refused = 0;
  let policyLate = 0;
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const [, name, labels = '', written] = match;
    const value = Number(written);
    const label = (key: string): string => new RegExp(`${key}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (name === 'relevo_calls' && label('state') !== 'ended') liveCalls += value;
    if (name === 'relevo_calls_refused_total') refused += value;
    if (name === 'relevo_policy_decisions_total' && label('answer') === 'late') policyLate = value;
  }
  return { liveCalls, refused, policyLate };
}
