import type { Random } from '../../common/random.js';
import { sequenceDistance, timestampDistance } from '../../rtp/sequence.js';

const FRAME_MS = 20;
/** RFC 3550 A.1: a greater jump of the source's sequence is a restart. */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
/** Packets after a switch for which those from before it are told apart by sequence number. */
const STRAGGLERS = 1000;
/** Of the packets that were left out, those that matter to packets still under way. */
const SKIPS_KEPT = 64;
/** A source whose timestamps leave the wall clock by more than this has begun a new timeline. */
const TIMELINE_JUMP_MS = 2000;
/** A generator that is so far from its time begins a new stretch: more than the pacer lets it catch up for. */
const GENERATOR_LATE_MS = 120;

/**
 * The one RTP stream that a party is sent: one SSRC, and sequence and timestamp that go on over every change
 * of source. A relayed source keeps its own losses, order and timing, moved by an offset.
 */
export class OutgoingStream {
  readonly ssrc: number;
  readonly #unitsPerMs: number;
  packets = 0;
  octets = 0;
  /** Of the packet about to be sent. Timestamps are signed 32-bit integers: V8 keeps those within the object. */
  sequence: number;
  timestamp: number;
  markerBit = 0;
  #highest: number;
  #latest: number;
  #latestSamples = 0;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  /** The time up to which a generator has made audio: not when that was sent, which may have been late. */
  #generatedUntilMs = 0;
  #feed: 'none' | 'relay' | 'generator' = 'none';
  #sourceSsrc = 0;
  #sequenceOffset = 0;
  #timestampOffset = 0;
  #sourceFirst = 0;
  #sourceHighest = 0;
  #sourceTimestamp = 0;
  #sourceAtMs = 0;
  #sinceAnchor = 0;
  /** What was left out of the source lately: packets from before it that come late have a greater offset. */
  #skipped: number[] = [];
  /** The telephone-event that was relayed last: its source, its timestamp there, and the one under which it went out. */
  #eventSsrc = 0;
  #eventTimestamp = 0;
  #eventSentAs: number | null = null;

  /** `clockRate` of the timestamps, in Hz. */
  constructor(random: Random, clockRate = 8000, ssrc = Math.floor(random.fraction() * 2 ** 32) >>> 0) {
    this.#unitsPerMs = clockRate / 1000;
    this.ssrc = ssrc;
    // RFC 4568 6.4: far from its wrap, so that a peer which loses the first packets counts the turns of SRTP alike.
    this.#highest = Math.floor(random.fraction() * 2 ** 15);
    this.#latest = Math.floor(random.fraction() * 2 ** 32) | 0;
    this.sequence = this.#highest;
    this.timestamp = this.#latest;
  }

  /** When the last packet was sent, in clock milliseconds; -Infinity before the first. */
  get lastAtMs(): number {
    return this.#lastAtMs;
  }

  /** The timestamp that stands for `nowMs`, for sender reports. */
  timestampAt(nowMs: number): number {
    if (this.packets === 0) return this.#latest >>> 0;
    return (this.#latest + Math.round((nowMs - this.#lastAtMs) * this.#unitsPerMs)) >>> 0;
  }

  /** The next packet comes from another source: it carries the marker and continues the numbers. */
  switchSource(): void {
    this.#feed = 'none';
  }

  /**
   * Numbers a relayed packet; false when it belongs before the switch and must be dropped. `timed` is false
   * for telephone-events, whose timestamp stands still.
   */
  relay(
    ssrc: number,
    sequence: number,
    timestamp: number,
    markerBit: number,
    timed: boolean,
    nowMs: number,
  ): boolean {
    this.markerBit = markerBit;
    const ahead = sequenceDistance(sequence, this.#sourceHighest);
    const goesOn = this.#feed === 'relay' && (ssrc | 0) === this.#sourceSsrc;
    if (!goesOn || ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) {
      if (timed || !this.#resumeEvent(ssrc, timestamp)) this.#anchor(ssrc, sequence, timestamp, nowMs);
      if (!timed) this.#noteEvent(ssrc, timestamp);
      return true;
    }
    if (this.#sinceAnchor < STRAGGLERS) {
      if (sequenceDistance(sequence, this.#sourceFirst) < 0) return false;
      this.#sinceAnchor++;
    }
    if (ahead > 0) {
      if (timed) {
        const moved = timestampDistance(timestamp, this.#sourceTimestamp);
        const drift = moved - (nowMs - this.#sourceAtMs) * this.#unitsPerMs;
        if (Math.abs(drift) > TIMELINE_JUMP_MS * this.#unitsPerMs) {
          this.#anchor(ssrc, sequence, timestamp, nowMs);
          return true;
        }
        this.#sourceTimestamp = timestamp | 0;
        this.#sourceAtMs = nowMs;
      }
      this.#sourceHighest = sequence;
    }
    this.sequence =
      (sequence + this.#sequenceOffset + (ahead < 0 ? this.#skippedSince(sequence) : 0)) & 0xffff;
    this.timestamp = (timestamp + this.#timestampOffset) | 0;
    if (!timed) {
      const sentAs = this.#eventSentAsBefore(ssrc, timestamp);
      if (sentAs !== null) this.timestamp = sentAs;
      this.#noteEvent(ssrc, timestamp);
    }
    return true;
  }

  /** Leaves out a packet of the relayed source so that the party sees no loss. */
  skipRelayed(ssrc: number, sequence: number): void {
    if (this.#feed !== 'relay' || (ssrc | 0) !== this.#sourceSsrc) return;
    if (sequenceDistance(sequence, this.#sourceHighest) !== 1) return;
    this.#sourceHighest = sequence;
    this.#sequenceOffset = (this.#sequenceOffset - 1) & 0xffff;
    this.#skipped.push(sequence);
    if (this.#skipped.length > SKIPS_KEPT) this.#skipped.shift();
  }

  /** Numbers the next packet of a prompt. */
  generate(nowMs: number): void {
    this.sequence = (this.#highest + 1) & 0xffff;
    if (this.#feed === 'generator') {
      const lateMs = nowMs - this.#generatedUntilMs;
      const leftOut = lateMs < GENERATOR_LATE_MS ? 0 : Math.floor(lateMs / FRAME_MS);
      this.#generatedUntilMs += leftOut * FRAME_MS;
      const samples = this.#latestSamples + leftOut * FRAME_MS * this.#unitsPerMs;
      this.timestamp = (this.#latest + samples) | 0;
      this.markerBit = leftOut > 0 ? 0x80 : 0;
      return;
    }
    this.#generatedUntilMs = nowMs;
    this.timestamp = this.#continuation(nowMs);
    this.markerBit = 0x80;
    this.#feed = 'generator';
  }

  /** Numbers a packet of a telephone-event of ours that began at `eventTimestamp`. */
  event(eventTimestamp: number, first: boolean): void {
    this.sequence = (this.#highest + 1) & 0xffff;
    this.timestamp = eventTimestamp | 0;
    this.markerBit = first ? 0x80 : 0;
    this.#feed = 'none';
  }

  /** The timestamp at which something new begins now. */
  beginning(nowMs: number): number {
    return this.#continuation(nowMs);
  }

  /** Books the packet that was numbered last; `samples` is its duration, 0 where it does not move time. */
  sent(payloadBytes: number, samples: number, nowMs: number): void {
    this.packets++;
    this.octets += payloadBytes;
    this.#lastAtMs = nowMs;
    this.#generatedUntilMs += samples / this.#unitsPerMs;
    if (sequenceDistance(this.sequence, this.#highest) > 0) this.#highest = this.sequence;
    if (timestampDistance(this.timestamp, this.#latest) >= 0) {
      this.#latest = this.timestamp;
      this.#latestSamples = samples;
    }
  }

  /** Books the whole duration of an event of ours, so that what follows comes behind it. */
  endEvent(samples: number): void {
    this.#latestSamples = samples;
  }

  /** The rest of an event that something came in between of: with another timestamp it would be a second press. */
  #resumeEvent(ssrc: number, timestamp: number): boolean {
    const sentAs = this.#eventSentAsBefore(ssrc, timestamp);
    if (sentAs === null) return false;
    this.sequence = (this.#highest + 1) & 0xffff;
    this.timestamp = sentAs;
    this.markerBit = 0;
    return true;
  }

  #eventSentAsBefore(ssrc: number, timestamp: number): number | null {
    return (ssrc | 0) === this.#eventSsrc && (timestamp | 0) === this.#eventTimestamp
      ? this.#eventSentAs
      : null;
  }

  #noteEvent(ssrc: number, timestamp: number): void {
    this.#eventSsrc = ssrc | 0;
    this.#eventTimestamp = timestamp | 0;
    this.#eventSentAs = this.timestamp;
  }

  #anchor(ssrc: number, sequence: number, timestamp: number, nowMs: number): void {
    this.#feed = 'relay';
    this.#sourceSsrc = ssrc | 0;
    this.#sourceFirst = sequence;
    this.#sourceHighest = sequence;
    this.#sourceTimestamp = timestamp | 0;
    this.#sourceAtMs = nowMs;
    this.#sinceAnchor = 0;
    if (this.#skipped.length > 0) this.#skipped = [];
    this.sequence = (this.#highest + 1) & 0xffff;
    this.timestamp = this.#continuation(nowMs);
    this.markerBit = 0x80;
    this.#sequenceOffset = (this.sequence - sequence) & 0xffff;
    this.#timestampOffset = (this.timestamp - timestamp) | 0;
  }

  /** How many packets behind this one were left out: it has its number from before that. */
  #skippedSince(sequence: number): number {
    let count = 0;
    for (const skipped of this.#skipped) if (sequenceDistance(skipped, sequence) > 0) count++;
    return count;
  }

  /** The frame that stands for now, on the grid of the stream, behind what was sent. */
  #continuation(nowMs: number): number {
    if (this.packets === 0) return this.#latest;
    const frames = Math.round((nowMs - this.#lastAtMs) / FRAME_MS);
    return (
      (this.#latest +
        Math.max(this.#latestSamples, 1) +
        Math.max(0, frames - 1) * FRAME_MS * this.#unitsPerMs) |
      0
    );
  }
}
