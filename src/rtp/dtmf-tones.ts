/** ITU-T Q.23: the low and the high group, in Hz. */
export const LOW_GROUP = [697, 770, 852, 941] as const;
export const HIGH_GROUP = [1209, 1336, 1477, 1633] as const;
const KEYS = ['123A', '456B', '789C', '*0#D'] as const;

/** The key of a row and a column, both 0 to 3. */
export function keyAt(row: number, column: number): string {
  return KEYS[row]![column]!;
}

/** The two frequencies of a key in Hz, or null where it is none. */
export function tonesOf(key: string): readonly [low: number, high: number] | null {
  if (key.length !== 1) return null;
  const row = KEYS.findIndex((keys) => keys.includes(key.toUpperCase()));
  if (row < 0) return null;
  return [LOW_GROUP[row]!, HIGH_GROUP[KEYS[row]!.indexOf(key.toUpperCase())]!];
}
