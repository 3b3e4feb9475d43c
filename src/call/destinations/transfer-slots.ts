import type { Project } from '../project.js';
import type { Resolution, Target } from './destination-directory.js';

/** Transfers at once, by project and by trunk, over all calls of a thread. */
export class TransferSlots {
  readonly #taken = new Map<string, number>();

  /**
   * Takes a place in the project and at each trunk that the targets lead to; targets of a full trunk are left out.
   * `release` gives the places back, once.
   */
  take(
    project: Project,
    resolution: Resolution,
  ): { readonly resolution: Resolution; readonly release: () => void } {
    const none = (): void => undefined;
    if (!resolution.ok) return { resolution, release: none };
    const { transfers } = project.limits;
    const ofProject = `project ${project.name}`;
    if (transfers !== null && this.count(ofProject) >= transfers) {
      return { resolution: full(`${ofProject} has ${transfers} transfers at once already`), release: none };
    }
    const open = resolution.targets.filter((target) => !this.#isFull(target));
    if (open.length === 0) {
      const { trunk } = resolution.targets[0]!;
      const detail = `trunk ${trunk.name} has ${trunk.maxTransfers ?? 0} transfers at once already`;
      return { resolution: full(detail), release: none };
    }
    const names = [ofProject, ...new Set(open.map((target) => `trunk ${target.trunk.name}`))];
    for (const name of names) this.#taken.set(name, this.count(name) + 1);
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      for (const name of names) this.#give(name);
    };
    return { resolution: { ...resolution, targets: open }, release };
  }

  /** `project NAME` or `trunk NAME`. */
  count(name: string): number {
    return this.#taken.get(name) ?? 0;
  }

  /** Every place that is taken, for another thread's copy. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#taken);
  }

  /** Takes over the counts of another copy. */
  restore(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) this.#taken.set(name, count);
  }

  #isFull({ trunk }: Target): boolean {
    return trunk.maxTransfers !== null && this.count(`trunk ${trunk.name}`) >= trunk.maxTransfers;
  }

  #give(name: string): void {
    const left = this.count(name) - 1;
    if (left > 0) this.#taken.set(name, left);
    else this.#taken.delete(name);
  }
}

function full(detail: string): Resolution {
  return { ok: false, code: 'not_allowed', detail };
}
