import type { ConfigProblem } from './config-problem.js';

const TAB = '  ';

/** Problems as a compiler prints them: place, message, the line itself, what was found and what was expected. */
export function formatProblems(problems: readonly ConfigProblem[], sourceText: string): string {
  const lines = sourceText.split(/\r?\n/);
  const blocks = problems.map((problem) => formatProblem(problem, lines[problem.line - 1] ?? ''));
  return [...blocks, summary(problems)].join('\n\n');
}

function formatProblem(problem: ConfigProblem, sourceLine: string): string {
  const key = problem.key === '' ? '' : `${problem.key}: `;
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  const head = `${place}: ${problem.severity} [${problem.code}] ${key}${problem.message}`;
  const gutter = String(problem.line);
  const blank = ' '.repeat(gutter.length);
  const shown = hideSecrets(sourceLine).replaceAll('\t', TAB);
  const indent = sourceLine.slice(0, problem.column - 1).replaceAll('\t', TAB).length;
  const marks = '^'.repeat(Math.max(1, Math.min(problem.length, Math.max(1, shown.length - indent))));
  const rows = [head, ` ${blank} |`, ` ${gutter} | ${shown}`, ` ${blank} | ${' '.repeat(indent)}${marks}`];
  if (problem.found !== null) rows.push(` ${blank} = found: ${problem.found}`);
  if (problem.expected !== null) rows.push(` ${blank} = expected: ${problem.expected}`);
  if (problem.remedy !== null) rows.push(` ${blank} = remedy: ${problem.remedy}`);
  return rows.join('\n');
}

/** A secret written straight into the file is masked, letter by letter so that the marks stay in place. */
function hideSecrets(line: string): string {
  return line.replace(
    /((?:password|secret|token)["']?\s*:\s*)("[^"]*"?|'[^']*'?|[^\s,}#]+)/gi,
    (whole: string, key: string, value: string) =>
      /^["']?\$\{[^}]*\}["']?$/.test(value) ? whole : key + '*'.repeat(value.length),
  );
}

function summary(problems: readonly ConfigProblem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  if (problems.length === 0) return 'no problems';
  return warnings === 0
    ? count(errors, 'error')
    : errors === 0
      ? count(warnings, 'warning')
      : `${count(errors, 'error')}, ${count(warnings, 'warning')}`;
}
