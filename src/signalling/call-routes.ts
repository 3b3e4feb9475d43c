import type { CallPlan, Project, Trunk } from '../call/project.js';
import { NumberTable } from './number-table.js';
import { SourceTable } from './source-table.js';

/** Which trunk a source belongs to, and which project takes a number from it: one plan, made ready for look-up. */
export class CallRoutes {
  readonly #plan: CallPlan;
  readonly #sources = new SourceTable();
  readonly #numbers: NumberTable;

  constructor(plan: CallPlan) {
    this.#plan = plan;
    for (const trunk of Object.values(plan.trunks)) this.#sources.add(trunk.name, trunk.allow);
    this.#numbers = new NumberTable(plan.projects);
  }

  /** The trunks that may send from this address; none for a stranger. */
  trunksOf(address: string): readonly string[] {
    return this.#sources.find(address);
  }

  /** The first of these trunks from which a project takes this number; null where none does. */
  find(
    trunks: readonly string[],
    called: string,
  ): { readonly project: Project; readonly trunk: Trunk } | null {
    for (const name of trunks) {
      const project = this.#plan.projects[this.#numbers.find(name, called) ?? ''];
      const trunk = this.#plan.trunks[name];
      if (project && trunk) return { project, trunk };
    }
    return null;
  }
}
