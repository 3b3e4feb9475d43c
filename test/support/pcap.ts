import { readFileSync } from 'node:fs';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;

/** The UDP payloads of a classic pcap file (Ethernet, IPv4), in order. */
export function udpPayloads(path: string): Buffer[] {
  const file = readFileSync(path);
  const little = file.readUInt32LE(0) === 0xa1b2c3d4;
  const payloads: Buffer[] = [];
  for (let at = FILE_HEADER; at + RECORD_HEADER < file.length;) {
    const length = little ? file.readUInt32LE(at + 8) : file.readUInt32BE(at + 8);
    const frame = file.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    at += RECORD_HEADER + length;
    if (frame.readUInt16BE(12) !== 0x0800 || frame[ETHERNET + 9] !== 17) continue;
    const udp = ETHERNET + (frame.readUInt8(ETHERNET) & 0x0f) * 4;
    payloads.push(frame.subarray(udp + 8, udp + frame.readUInt16BE(udp + 4)));
  }
  return payloads;
}
