/** Whether some number fits both patterns (`*` stands for any run, even an empty one). */
export function patternsOverlap(one: string, other: string): boolean {
  const seen = new Set<number>();
  const meets = (left: number, right: number): boolean => {
    const key = left * (other.length + 1) + right;
    if (seen.has(key)) return false;
    seen.add(key);
    if (left === one.length && right === other.length) return true;
    if (one[left] === '*') return meets(left + 1, right) || (right < other.length && meets(left, right + 1));
    if (other[right] === '*') return meets(left, right + 1) || (left < one.length && meets(left + 1, right));
    return left < one.length && one[left] === other[right] && meets(left + 1, right + 1);
  };
  return meets(0, 0);
}
