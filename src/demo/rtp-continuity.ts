/** The fields of an RTP header that continuity is judged by. */
export interface RtpHeaderFields {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly marker: boolean;
  /** Samples in the packet; 0 for telephone-event, whose timestamp stands still (RFC 4733 section 2.2). */
  readonly samples: number;
}

/** What a receiver saw of one stream direction. Counts are packets. */
export interface ContinuityReport {
  readonly packets: number;
  readonly lost: number;
  readonly late: number;
  /** How often the SSRC changed after the first packet. */
  readonly ssrcChanges: number;
  /** Timestamps that went backwards, or moved by other than the audio sent, inside one SSRC without a marker. */
  readonly timestampJumps: number;
  readonly ssrcs: readonly number[];
}

interface Previous extends RtpHeaderFields {
  readonly isAudio: boolean;
}

/** Checks the sequence, timestamp and SSRC continuity of a received stream (RFC 3550 section 5.1). */
export class RtpContinuity {
  #previous: Previous | null = null;
  #packets = 0;
  #lost = 0;
  #late = 0;
  #ssrcChanges = 0;
  #timestampJumps = 0;
  readonly #ssrcs = new Set<number>();

  receive(header: RtpHeaderFields): void {
    this.#packets++;
    const previous = this.#previous;
    this.#ssrcs.add(header.ssrc);
    const current: Previous = { ...header, isAudio: header.samples > 0 };
    if (previous === null || previous.ssrc !== header.ssrc) {
      if (previous !== null) this.#ssrcChanges++;
      this.#previous = current;
      return;
    }
    const step = (header.sequenceNumber - previous.sequenceNumber) & 0xffff;
    if (step === 0 || step >= 0x8000) {
      this.#late++;
      return;
    }
    this.#lost += step - 1;
    const advanced = (header.timestamp - previous.timestamp) | 0;
    const steady = step === 1 && current.isAudio && previous.isAudio && !header.marker;
    if (advanced < 0 || (steady && advanced !== previous.samples)) this.#timestampJumps++;
    this.#previous = current;
  }

  report(): ContinuityReport {
    return {
      packets: this.#packets,
      lost: this.#lost,
      late: this.#late,
      ssrcChanges: this.#ssrcChanges,
      timestampJumps: this.#timestampJumps,
      ssrcs: [...this.#ssrcs],
    };
  }
}
