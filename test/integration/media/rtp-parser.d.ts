/** The part of rtp-parser that the tests use; the package carries no types. */
declare module 'rtp-parser' {
  export interface ParsedRtpPacket {
    readonly version: number;
    readonly padding: number;
    readonly extension: number;
    readonly csrcCount: number;
    readonly marker: number;
    readonly payloadType: number;
    readonly sequenceNumber: number;
    readonly timestamp: number;
    readonly ssrc: number;
    readonly payload: Buffer;
  }
  export function parseRtpPacket(packet: Buffer): ParsedRtpPacket;
}
