import type { ReceptionFigures } from './source-statistics.js';

/*
 * RFC 3550 6.4, the minimal compound: SR or RR, then SDES with CNAME, then BYE where a source leaves.
 *
 *   |V=2|P|   RC    |      PT       |            length             |
 */

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const CNAME = 1;
const NTP_EPOCH_OFFSET_S = 2_208_988_800;

/** One reception report block (RFC 3550 6.4.1). */
export interface ReportBlock extends ReceptionFigures {
  readonly ssrc: number;
  /** Middle 32 bits of the NTP time of the last SR; 0 where none came. */
  readonly lastSenderReport: number;
  /** In 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

export interface SenderInfo {
  /** Unix milliseconds. */
  readonly wallMs: number;
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly octets: number;
}

export interface CompoundReport {
  readonly ssrc: number;
  readonly cname: string;
  /** null makes an RR: nothing was sent since the last report. */
  readonly sender: SenderInfo | null;
  readonly block: ReportBlock | null;
  readonly bye: boolean;
}

/** The middle 32 bits of the NTP time of an SR that is made at this Unix time (RFC 3550 6.4.1, LSR). */
export function ntpMiddle(wallMs: number): number {
  const seconds = (Math.floor(wallMs / 1000) + NTP_EPOCH_OFFSET_S) & 0xffff;
  const fraction = Math.floor(((wallMs % 1000) / 1000) * 2 ** 32) >>> 16;
  return ((seconds << 16) | fraction) >>> 0;
}

/** Writes a compound packet. */
export function buildRtcp(report: CompoundReport): Buffer {
  const cname = Buffer.from(report.cname, 'utf8').subarray(0, 255);
  const reportBytes = 8 + (report.sender ? 20 : 0) + (report.block ? 24 : 0);
  // SSRC, item header, text, and at least one zero byte up to a 32-bit boundary.
  const sdesBytes = 4 + Math.ceil((4 + 2 + cname.length + 1) / 4) * 4;
  const packet = Buffer.alloc(reportBytes + sdesBytes + (report.bye ? 8 : 0));
  writeHead(packet, 0, report.block ? 1 : 0, report.sender ? SENDER_REPORT : RECEIVER_REPORT, reportBytes);
  packet.writeUInt32BE(report.ssrc, 4);
  let at = 8;
  if (report.sender) {
    const { wallMs, rtpTimestamp, packets, octets } = report.sender;
    packet.writeUInt32BE((Math.floor(wallMs / 1000) + NTP_EPOCH_OFFSET_S) >>> 0, at);
    packet.writeUInt32BE(Math.floor(((wallMs % 1000) / 1000) * 2 ** 32) >>> 0, at + 4);
    packet.writeUInt32BE(rtpTimestamp >>> 0, at + 8);
    packet.writeUInt32BE(packets >>> 0, at + 12);
    packet.writeUInt32BE(octets >>> 0, at + 16);
    at += 20;
  }
  if (report.block) {
    packet.writeUInt32BE(report.block.ssrc, at);
    packet[at + 4] = report.block.fractionLost;
    packet.writeIntBE(report.block.cumulativeLost, at + 5, 3);
    packet.writeUInt32BE(report.block.extendedHighestSequence, at + 8);
    packet.writeUInt32BE(report.block.jitter >>> 0, at + 12);
    packet.writeUInt32BE(report.block.lastSenderReport, at + 16);
    packet.writeUInt32BE(report.block.delaySinceLastSenderReport >>> 0, at + 20);
    at += 24;
  }
  writeHead(packet, at, 1, SOURCE_DESCRIPTION, sdesBytes);
  packet.writeUInt32BE(report.ssrc, at + 4);
  packet[at + 8] = CNAME;
  packet[at + 9] = cname.length;
  cname.copy(packet, at + 10);
  at += sdesBytes;
  if (report.bye) {
    writeHead(packet, at, 1, GOODBYE, 8);
    packet.writeUInt32BE(report.ssrc, at + 4);
  }
  return packet;
}

function writeHead(packet: Buffer, at: number, count: number, type: number, bytes: number): void {
  packet[at] = 0x80 | count;
  packet[at + 1] = type;
  packet.writeUInt16BE(bytes / 4 - 1, at + 2);
}

/** What was read from a compound packet. */
export interface ParsedRtcp {
  readonly ssrc: number;
  readonly sender: {
    /** Middle 32 bits of the NTP timestamp, to be echoed as `lastSenderReport`. */
    readonly ntpMiddle: number;
    readonly rtpTimestamp: number;
    readonly packets: number;
    readonly octets: number;
  } | null;
  readonly blocks: readonly ReportBlock[];
  readonly cname: string | null;
  readonly bye: boolean;
}

/** Reads a compound packet; null when RFC 3550 A.2 calls it invalid. Never throws. */
export function parseRtcp(packet: Buffer): ParsedRtcp | null {
  if (packet.length < 8 || packet[0]! >> 6 !== 2 || packet[0]! & 0x20) return null;
  const firstType = packet[1];
  if (firstType !== SENDER_REPORT && firstType !== RECEIVER_REPORT) return null;
  const ssrc = packet.readUInt32BE(4);
  let sender: ParsedRtcp['sender'] = null;
  let cname: string | null = null;
  let bye = false;
  const blocks: ReportBlock[] = [];
  let at = 0;
  while (at < packet.length) {
    if (at + 4 > packet.length || packet[at]! >> 6 !== 2) return null;
    const end = at + (packet.readUInt16BE(at + 2) + 1) * 4;
    if (end > packet.length) return null;
    const count = packet[at]! & 0x1f;
    const type = packet[at + 1];
    if (type === SENDER_REPORT || type === RECEIVER_REPORT) {
      const blocksAt = at + (type === SENDER_REPORT ? 28 : 8);
      if (blocksAt + count * 24 > end) return null;
      if (type === SENDER_REPORT) {
        sender = {
          ntpMiddle: packet.readUInt32BE(at + 10),
          rtpTimestamp: packet.readUInt32BE(at + 16),
          packets: packet.readUInt32BE(at + 20),
          octets: packet.readUInt32BE(at + 24),
        };
      }
      for (let i = 0; i < count; i++) blocks.push(readBlock(packet, blocksAt + i * 24));
    } else if (type === SOURCE_DESCRIPTION && count > 0) {
      cname ??= readCname(packet, at + 8, end);
    } else if (type === GOODBYE) {
      bye = true;
    }
    at = end;
  }
  return { ssrc, sender, blocks, cname, bye };
}

function readBlock(packet: Buffer, at: number): ReportBlock {
  return {
    ssrc: packet.readUInt32BE(at),
    fractionLost: packet[at + 4]!,
    cumulativeLost: packet.readIntBE(at + 5, 3),
    extendedHighestSequence: packet.readUInt32BE(at + 8),
    jitter: packet.readUInt32BE(at + 12),
    lastSenderReport: packet.readUInt32BE(at + 16),
    delaySinceLastSenderReport: packet.readUInt32BE(at + 20),
  };
}

function readCname(packet: Buffer, from: number, end: number): string | null {
  let at = from;
  while (at + 2 <= end && packet[at] !== 0) {
    const textEnd = at + 2 + packet[at + 1]!;
    if (textEnd > end) return null;
    if (packet[at] === CNAME) return packet.toString('utf8', at + 2, textEnd);
    at = textEnd;
  }
  return null;
}
