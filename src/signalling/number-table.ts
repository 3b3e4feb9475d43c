import type { Project } from '../call/project.js';

interface Pattern {
  readonly expression: RegExp;
  /** Characters that are not `*`: the more of them, the better a match. */
  readonly literals: number;
  readonly project: string;
}

interface TrunkNumbers {
  readonly exact: Map<string, string>;
  readonly patterns: Pattern[];
}

/** A leading `+` says how a number is written, not which it is. */
const normal = (number: string): string => (number.startsWith('+') ? number.slice(1) : number);

/**
 * Finds the project of a call by trunk and called number. An exact number beats a pattern, a pattern with more
 * fixed characters one with fewer, then the order of the configuration decides.
 */
export class NumberTable {
  readonly #trunks = new Map<string, TrunkNumbers>();

  constructor(projects: Readonly<Record<string, Project>>) {
    for (const project of Object.values(projects)) {
      for (const match of project.match) this.#add(match.trunk, match.to, project.name);
    }
    for (const { patterns } of this.#trunks.values()) {
      patterns.sort((one, other) => other.literals - one.literals);
    }
  }

  #add(trunk: string, to: string, project: string): void {
    let numbers = this.#trunks.get(trunk);
    if (!numbers) {
      numbers = { exact: new Map(), patterns: [] };
      this.#trunks.set(trunk, numbers);
    }
    const wanted = normal(to);
    if (!wanted.includes('*')) {
      if (!numbers.exact.has(wanted)) numbers.exact.set(wanted, project);
      return;
    }
    const parts = wanted.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    numbers.patterns.push({
      expression: new RegExp(`^${parts.join('.*')}$`, 'i'),
      literals: wanted.replaceAll('*', '').length,
      project,
    });
  }

  /** The project's name, or null where no project takes this number from this trunk. */
  find(trunk: string, called: string): string | null {
    const numbers = this.#trunks.get(trunk);
    if (!numbers) return null;
    const number = normal(called);
    const exact = numbers.exact.get(number);
    if (exact !== undefined) return exact;
    for (const pattern of numbers.patterns) {
      if (pattern.expression.test(number)) return pattern.project;
    }
    return null;
  }
}
