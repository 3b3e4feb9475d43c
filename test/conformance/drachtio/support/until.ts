import { setImmediate as turn } from 'node:timers/promises';

/** Lets the event loop turn until the condition holds; fails after 3 s. */
export async function until(condition: () => boolean, what = 'condition'): Promise<void> {
  const end = performance.now() + 3_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} never held`);
    await turn();
  }
}
