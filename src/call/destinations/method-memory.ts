/** How long a refused REFER is remembered (ms): a peer may be reconfigured without telling us. */
const FORGET_AFTER_MS = 15 * 60_000;

/** What was learned, as plain data for another thread: ages in milliseconds, by trunk. */
export interface LearnedMethods {
  readonly refusedAgoMs: Readonly<Record<string, number>>;
  readonly workedAgoMs: Readonly<Record<string, number>>;
}

/** What was learned about each trunk: whether it refused a REFER of ours lately. */
export class MethodMemory {
  readonly #refusedAt = new Map<string, number>();
  readonly #workedAt = new Map<string, number>();

  referRefused(trunk: string, nowMs: number): void {
    this.#refusedAt.set(trunk, nowMs);
  }

  referWorked(trunk: string, nowMs: number): void {
    this.#refusedAt.delete(trunk);
    this.#workedAt.set(trunk, nowMs);
  }

  /** Is REFER worth a try on this trunk? */
  mayRefer(trunk: string, nowMs: number): boolean {
    const at = this.#refusedAt.get(trunk);
    return at === undefined || nowMs - at > FORGET_AFTER_MS;
  }

  learned(nowMs: number): LearnedMethods {
    const ages = (times: ReadonlyMap<string, number>): Record<string, number> =>
      Object.fromEntries([...times].map(([trunk, at]) => [trunk, Math.max(0, Math.round(nowMs - at))]));
    return { refusedAgoMs: ages(this.#refusedAt), workedAgoMs: ages(this.#workedAt) };
  }

  /** Takes over what another memory had learned. */
  relearn({ refusedAgoMs, workedAgoMs }: LearnedMethods, nowMs: number): void {
    for (const [trunk, ago] of Object.entries(workedAgoMs)) this.#workedAt.set(trunk, nowMs - ago);
    for (const [trunk, ago] of Object.entries(refusedAgoMs)) this.#refusedAt.set(trunk, nowMs - ago);
  }
}
