/** Ends a switch over a union: the compiler rejects a missing case, and a lie at run time throws. */
export function assertUnreachable(value: never, what: string): never {
  throw new Error(`${what}: unexpected value ${JSON.stringify(value)}`);
}
