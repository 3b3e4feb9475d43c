/** How far 16-bit sequence number `a` is ahead of `b`: -32768..32767 (RFC 1982 arithmetic). */
export function sequenceDistance(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** How far 32-bit RTP timestamp `a` is ahead of `b`, in timestamp units, signed. */
export function timestampDistance(a: number, b: number): number {
  return (a - b) | 0;
}
