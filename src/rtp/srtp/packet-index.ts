const HALF = 0x8000;
const WHOLE = 0x10000;

/**
 * The 48-bit index of a packet by its sequence number and the highest index so far (RFC 3711 3.3.1): the nearest one.
 * Negative for a packet from before the first turn of the sequence.
 */
export function estimateIndex(sequence: number, highest: number): number {
  const last = highest % WHOLE;
  const rollover = (highest - last) / WHOLE;
  if (last < HALF) return (sequence - last > HALF ? rollover - 1 : rollover) * WHOLE + sequence;
  return (last - HALF > sequence ? rollover + 1 : rollover) * WHOLE + sequence;
}
