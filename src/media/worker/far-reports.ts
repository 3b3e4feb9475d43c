import type { ReportBlock } from '../../rtp/rtcp.js';

/** Reports of ours that may still be answered. */
const REMEMBERED = 4;
/** Longer round trips are a peer's error. */
const MAX_ROUND_TRIP_MS = 10_000;

interface Sent {
  readonly ntpMiddle: number;
  readonly atMs: number;
}

/** What the far end reports of our stream (RFC 3550 6.4.1). Figures that cannot be are left out. */
export class FarReports {
  #sent: Sent[] = [];
  #roundTrips = 0;
  #roundTripSumMs = 0;
  #roundTripMaxMs = 0;
  #lost: number | null = null;
  #jitter = 0;

  /** Mean round trip in milliseconds; null where none was measured. */
  get roundTripMs(): number | null {
    return this.#roundTrips === 0 ? null : this.#roundTripSumMs / this.#roundTrips;
  }
  get roundTripMaxMs(): number | null {
    return this.#roundTrips === 0 ? null : this.#roundTripMaxMs;
  }
  /** Packets of ours that the far end missed; null where it has not said. */
  get lost(): number | null {
    return this.#lost;
  }
  /** In units of the timestamp. */
  get jitter(): number | null {
    return this.#lost === null ? null : this.#jitter;
  }

  /** An SR of ours went out with this NTP time (its middle 32 bits). */
  sentReport(ntpMiddle: number, nowMs: number): void {
    this.#sent.push({ ntpMiddle, atMs: nowMs });
    if (this.#sent.length > REMEMBERED) this.#sent.shift();
  }

  /** A report block on our stream, of which `packets` were sent. */
  take(block: ReportBlock, packets: number, nowMs: number): void {
    this.#lost = Math.min(packets, Math.max(0, block.cumulativeLost));
    this.#jitter = block.jitter;
    const sent = this.#sent.find(({ ntpMiddle }) => ntpMiddle === block.lastSenderReport);
    if (block.lastSenderReport === 0 || !sent) return;
    // The wall clock may be set meanwhile: the time of sending is remembered rather than read from LSR.
    const roundTripMs = nowMs - sent.atMs - (block.delaySinceLastSenderReport * 1000) / 65_536;
    // A report is rounded to 1/65536 s.
    if (roundTripMs < -1 || roundTripMs > MAX_ROUND_TRIP_MS) return;
    const counted = Math.max(0, roundTripMs);
    this.#roundTrips++;
    this.#roundTripSumMs += counted;
    this.#roundTripMaxMs = Math.max(this.#roundTripMaxMs, counted);
  }
}
