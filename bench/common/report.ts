import type { Figure, Section } from './figures.js';
import type { MachineFacts } from './machine.js';

export interface BenchReport {
  readonly machine: MachineFacts;
  readonly quick: boolean;
  readonly seconds: number;
  readonly sections: readonly Section[];
}

/** The report as text: a table per section, then the notes. */
export function formatReport(report: BenchReport): string {
  const { machine } = report;
  const lines = [
    `Relevo bench, ${machine.date}${report.quick ? ', quick' : ''}, ${Math.round(report.seconds)} s in all`,
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}, load before ${machine.loadBefore}`,
  ];
  for (const section of report.sections) {
    lines.push('', `${section.name}: ${section.title}`);
    const { problem } = section;
    if (problem) lines.push(`  not measured (${problem.code}): ${problem.message}`, `  ${problem.remedy}`);
    lines.push(...table(section.figures));
    for (const note of section.notes) lines.push(`  · ${note}`);
  }
  return lines.join('\n');
}

function table(figures: readonly Figure[]): string[] {
  const rows = figures.map((figure) => [
    figure.label,
    figure.value === null ? '–' : String(figure.value),
    figure.unit,
    figure.bar ? `bar ${figure.bar}` : '',
    figure.note ?? figure.meaning,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => (column === 1 ? cell.padStart(widths[1]!) : cell.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd(),
  );
}
