import type { Project, Trunk } from '../project.js';

/** Places taken for one transfer. `release` gives them back, once. */
export interface TakenSlots<T> {
  /** The targets that a transfer may go to. */
  readonly open: readonly T[];
  /** Why there is none; null where there is. */
  readonly refused: string | null;
  readonly release: () => void;
}

/** Transfers at once, by project and by trunk, over all calls of a thread. */
export class TransferSlots {
  readonly #taken = new Map<string, number>();

  /** Takes a place in the project and at each trunk that the targets lead to; those of a full trunk are left out. */
  take<T extends { readonly trunk: Trunk }>(project: Project, targets: readonly T[]): TakenSlots<T> {
    const none = (refused: string | null): TakenSlots<T> => ({ open: [], refused, release: () => undefined });
    const [first] = targets;
    if (!first) return none(null);
    const { transfers } = project.limits;
    const ofProject = `project ${project.name}`;
    if (transfers !== null && this.count(ofProject) >= transfers)
      return none(`${ofProject} has ${transfers} transfers at once already`);
    const open = targets.filter((target) => !this.#isFull(target.trunk));
    if (open.length === 0) {
      const { name, maxTransfers } = first.trunk;
      return none(`trunk ${name} has ${maxTransfers ?? 0} transfers at once already`);
    }
    const names = [ofProject, ...new Set(open.map((target) => `trunk ${target.trunk.name}`))];
    for (const name of names) this.#taken.set(name, this.count(name) + 1);
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      for (const name of names) this.#give(name);
    };
    return { open, refused: null, release };
  }

  /** `project NAME` or `trunk NAME`. */
  count(name: string): number {
    return this.#taken.get(name) ?? 0;
  }

  /** Transfers under way, over all projects. */
  get inFlight(): number {
    let all = 0;
    for (const [name, count] of this.#taken) if (name.startsWith('project ')) all += count;
    return all;
  }

  /** Every place that is taken, for another thread's copy. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#taken);
  }

  /** Takes over the counts of another copy. */
  restore(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) this.#taken.set(name, count);
  }

  #isFull({ name, maxTransfers }: Trunk): boolean {
    return maxTransfers !== null && this.count(`trunk ${name}`) >= maxTransfers;
  }

  #give(name: string): void {
    const left = this.count(name) - 1;
    if (left > 0) this.#taken.set(name, left);
    else this.#taken.delete(name);
  }
}
