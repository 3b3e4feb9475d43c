/** What the benchmarks read from /metrics. */
export interface MetricsReading {
  /** CPU seconds of each thread since its start, by its label. */
  readonly threadCpuS: ReadonlyMap<string, number>;
  readonly liveCalls: number;
  /** Refused INVITEs (busy node, unknown number …). */
  readonly refused: number;
  readonly policyLate: number;
}

/** Reads the text format of Prometheus, as far as needed. */
export function parseMetrics(text: string): MetricsReading {
  const threadCpuS = new Map<string, number>();
  let liveCalls = 0;
  let refused = 0;
  let policyLate = 0;
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const [, name, labels = '', written] = match;
    const value = Number(written);
    const label = (key: string): string => new RegExp(`${key}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (name === 'relevo_thread_cpu_seconds_total') threadCpuS.set(label('thread'), value);
    if (name === 'relevo_calls' && label('state') !== 'ended') liveCalls += value;
    if (name === 'relevo_calls_refused_total') refused += value;
    if (name === 'relevo_policy_decisions_total' && label('answer') === 'late') policyLate = value;
  }
  return { threadCpuS, liveCalls, refused, policyLate };
}

/** CPU seconds of each thread between two readings. */
export function cpuBetween(before: MetricsReading, after: MetricsReading): Record<string, number> {
  return Object.fromEntries(
    [...after.threadCpuS].map(([thread, seconds]) => [thread, seconds - (before.threadCpuS.get(thread) ?? 0)]),
  );
}
