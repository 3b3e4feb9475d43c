/** One measured figure. */
export interface Figure {
  /** Stable name for programs that compare runs: `relay.calls_without_loss`. */
  readonly id: string;
  readonly label: string;
  /** Null where this run could not measure it; `note` says why. */
  readonly value: number | null;
  readonly unit: string;
  /** What the figure means, in a sentence. */
  readonly meaning: string;
  /** The bar of the design that it is held against, for reading only. */
  readonly bar?: string;
  readonly note?: string;
}

/** Why a section could not be measured. */
export interface BenchProblem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export interface Section {
  readonly name: SectionName;
  readonly title: string;
  readonly figures: readonly Figure[];
  /** What a reader must know to judge the figures: the load, and what limited it. */
  readonly notes: readonly string[];
  /** Raw steps, for the JSON. */
  readonly steps?: readonly object[];
  readonly problem: BenchProblem | null;
}

export const SECTION_NAMES = ['engine', 'calls', 'delay', 'memory', 'relay', 'transfer'] as const;
export type SectionName = (typeof SECTION_NAMES)[number];

/** How long and how hard to measure. */
export interface BenchSettings {
  readonly quick: boolean;
  /** Length of one measured step (s); null takes each section's own. */
  readonly seconds: number | null;
  /** Progress lines, to stderr. */
  readonly say: (line: string) => void;
}

/** Rounds to `digits` decimals. */
export function rounded(value: number, digits = 2): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
