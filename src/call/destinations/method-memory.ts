/** How long a refused REFER is remembered (ms): a peer may be reconfigured without telling us. */
const FORGET_AFTER_MS = 15 * 60_000;

/** What was learned about each trunk: whether it refused a REFER of ours lately. */
export class MethodMemory {
  readonly #refusedAt = new Map<string, number>();

  referRefused(trunk: string, nowMs: number): void {
    this.#refusedAt.set(trunk, nowMs);
  }

  referWorked(trunk: string): void {
    this.#refusedAt.delete(trunk);
  }

  /** Is REFER worth a try on this trunk? */
  mayRefer(trunk: string, nowMs: number): boolean {
    const at = this.#refusedAt.get(trunk);
    return at === undefined || nowMs - at > FORGET_AFTER_MS;
  }
}
