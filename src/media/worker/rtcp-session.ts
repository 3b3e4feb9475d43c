import type { Random } from '../../common/random.js';
import { buildRtcp, ntpMiddle, parseRtcp } from '../../rtp/rtcp.js';
import type { SourceStatistics } from '../../rtp/source-statistics.js';
import { FarReports } from './far-reports.js';
import type { OutgoingStream } from './outgoing-stream.js';

/** RFC 3550 6.2: five seconds, spread over half to one and a half of it. */
const INTERVAL_MS = 5000;

/** RTCP of one leg: makes our reports, reads the peer's. */
export class RtcpSession {
  #stream: OutgoingStream;
  readonly #received: SourceStatistics;
  readonly #random: Random;
  readonly #cname: string;
  #dueMs = Number.POSITIVE_INFINITY;
  #packetsAtLastReport = 0;
  #lastSenderReport = 0;
  #lastSenderReportAtMs = 0;
  /** What the peer says of our stream. */
  readonly far = new FarReports();

  constructor(stream: OutgoingStream, received: SourceStatistics, random: Random) {
    this.#stream = stream;
    this.#received = received;
    this.#random = random;
    this.#cname = `${random.token(8)}@relevo`;
  }

  /** Reports on another stream of ours from now on. */
  use(stream: OutgoingStream): void {
    this.#stream = stream;
    this.#packetsAtLastReport = 0;
  }

  /** Begins or keeps reporting. */
  start(nowMs: number): void {
    if (this.#dueMs === Number.POSITIVE_INFINITY) this.#dueMs = nowMs + this.#interval();
  }

  /** True once per interval. */
  isDue(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = nowMs + this.#interval();
    return true;
  }

  /** An SR where we sent since the last report, else an RR; with BYE at the end of the leg. */
  report(nowMs: number, wallMs: number, bye: boolean): Buffer {
    const stream = this.#stream;
    const sending = stream.packets > this.#packetsAtLastReport;
    this.#packetsAtLastReport = stream.packets;
    if (sending) this.far.sentReport(ntpMiddle(wallMs), nowMs);
    const delayMs = nowMs - this.#lastSenderReportAtMs;
    return buildRtcp({
      ssrc: stream.ssrc,
      cname: this.#cname,
      sender: sending
        ? {
            wallMs,
            rtpTimestamp: stream.timestampAt(nowMs),
            packets: stream.packets,
            octets: stream.octets,
          }
        : null,
      block: this.#received.started
        ? {
            ssrc: this.#received.ssrc,
            ...this.#received.report(),
            lastSenderReport: this.#lastSenderReport,
            delaySinceLastSenderReport:
              this.#lastSenderReport === 0 ? 0 : Math.round((delayMs * 65_536) / 1000),
          }
        : null,
      bye,
    });
  }

  /** Reads a compound packet of the peer; false when it is invalid. */
  take(packet: Buffer, nowMs: number): boolean {
    const parsed = parseRtcp(packet);
    if (!parsed) return false;
    if (parsed.sender) {
      this.#lastSenderReport = parsed.sender.ntpMiddle;
      this.#lastSenderReportAtMs = nowMs;
    }
    const stream = this.#stream;
    for (const block of parsed.blocks)
      if (block.ssrc === stream.ssrc) this.far.take(block, stream.packets, nowMs);
    return true;
  }

  #interval(): number {
    return INTERVAL_MS * (0.5 + this.#random.fraction());
  }
}
