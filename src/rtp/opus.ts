/** RFC 6716 3.1: frame duration by configuration number, in samples at 48 kHz. */
const SILK = [480, 960, 1920, 2880];
const HYBRID = [480, 960];
const CELT = [120, 240, 480, 960];

/** The audio that an Opus packet holds, in samples at 48 kHz; 0 for an empty one. */
export function opusSamples(packet: Buffer, start: number, end: number): number {
  if (start >= end) return 0;
  const toc = packet[start]!;
  const config = toc >> 3;
  const frame = config < 12 ? SILK[config & 3]! : config < 16 ? HYBRID[config & 1]! : CELT[config & 3]!;
  const code = toc & 3;
  if (code === 0) return frame;
  if (code < 3) return frame * 2;
  return start + 1 < end ? frame * (packet[start + 1]! & 0x3f) : 0;
}
