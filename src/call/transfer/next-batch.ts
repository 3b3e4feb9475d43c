import type { Target } from '../destinations/destination-directory.js';

/** Takes the targets that are tried next off the list: one, or those that ring together. Empty where none is left. */
export function nextBatch(targets: Target[]): readonly Target[] {
  const first = targets.shift();
  if (!first) return [];
  const batch = [first];
  while (first.together !== null && targets[0]?.together === first.together) batch.push(targets.shift()!);
  return batch;
}
