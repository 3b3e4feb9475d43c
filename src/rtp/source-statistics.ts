import { sequenceDistance, timestampDistance } from './sequence.js';

const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
const SEQUENCE_CYCLE = 65_536;
/** How far back a packet is known to have come before. */
const WINDOW = 32;
/** No sequence number is this: nothing pending. */
const NONE = -1;
/** RFC 3550 A.8 keeps the jitter times 16. */
const JITTER_SCALE = 16;

/** What a receiver report says of a source (RFC 3550 6.4.1). */
export interface ReceptionFigures {
  /** Lost since the last report, in 1/256. */
  readonly fractionLost: number;
  readonly cumulativeLost: number;
  readonly extendedHighestSequence: number;
  /** In timestamp units. */
  readonly jitter: number;
}

/**
 * Reception statistics of one peer by RFC 3550 A.1, A.3 and A.8. There is no probation: the caller lets only
 * packets of the latched address through. Counts go on over a change of SSRC or a restarted sequence.
 */
export class SourceStatistics {
  #clockRate: number;
  #started = false;
  #ssrc = 0;
  #base = 0;
  #highest = 0;
  #cycles = 0;
  #badSequence = NONE;
  #paused = false;
  #receivedOfSource = 0;
  #duplicatesOfSource = 0;
  /** Bit n: the packet n before the highest has come. */
  #seen = 1;
  #lostBefore = 0;
  /** In timestamp units modulo 2^32, signed: like all that changes with a packet an integer that V8 keeps in the object. */
  #transit = 0;
  /** `#transit` is of this clock. */
  #timed = false;
  /** In sixteenths of a timestamp unit. */
  #jitter = 0;
  #expectedPrior = 0;
  #receivedPrior = 0;
  received = 0;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** In Hz; another one begins the jitter anew. */
  set clockRate(clockRate: number) {
    if (clockRate === this.#clockRate) return;
    this.#clockRate = clockRate;
    this.#jitter = 0;
    this.#timed = false;
  }

  get ssrc(): number {
    return this.#ssrc >>> 0;
  }

  get started(): boolean {
    return this.#started;
  }

  /** Sequence numbers that never came; a packet that came twice makes up for none of them. */
  get lost(): number {
    return this.#lostBefore + Math.max(0, this.#missing() + this.#duplicatesOfSource);
  }

  /** Interarrival jitter in milliseconds. */
  get jitterMs(): number {
    return (this.#jitter * 1000) / (this.#clockRate * JITTER_SCALE);
  }

  /** Counts one packet. `timed` false leaves the jitter alone (telephone-events keep their first timestamp). */
  update(ssrc: number, sequence: number, timestamp: number, arrivalMs: number, timed: boolean): void {
    this.received++;
    if (!this.#started || this.#paused || (ssrc | 0) !== this.#ssrc) {
      this.#restart(ssrc, sequence);
    } else {
      this.#advance(sequence);
    }
    this.#receivedOfSource++;
    if (!timed) return;
    // RFC 3550 A.8
    const transit = (Math.round((arrivalMs * this.#clockRate) / 1000) - timestamp) | 0;
    if (this.#timed) {
      const moved = Math.abs(timestampDistance(transit, this.#transit));
      // A jump of more than ten seconds is a new timeline, not jitter.
      if (moved < this.#clockRate * 10) this.#jitter += moved - ((this.#jitter + JITTER_SCALE / 2) >> 4);
    }
    this.#transit = transit;
    this.#timed = true;
  }

  /** The source may send elsewhere from now on: what is missing until its next packet is not lost. */
  pause(): void {
    this.#paused = true;
  }

  /** Figures for the next report; the fraction counts from the report before. */
  report(): ReceptionFigures {
    const expected = this.#started ? this.#cycles + this.#highest - this.#base + 1 : 0;
    const expectedSince = expected - this.#expectedPrior;
    const lostSince = expectedSince - (this.#receivedOfSource - this.#receivedPrior);
    this.#expectedPrior = expected;
    this.#receivedPrior = this.#receivedOfSource;
    const fraction =
      expectedSince <= 0 || lostSince <= 0 ? 0 : Math.min(255, Math.floor((lostSince << 8) / expectedSince));
    return {
      fractionLost: fraction,
      // RFC 3550 6.4.1: negative where packets came twice.
      cumulativeLost: Math.max(-0x800000, Math.min(this.#missing(), 0x7fffff)),
      extendedHighestSequence: (this.#cycles + this.#highest) >>> 0,
      jitter: Math.round(this.#jitter / JITTER_SCALE),
    };
  }

  /** Expected less received (RFC 3550 A.3). */
  #missing(): number {
    return this.#started ? this.#cycles + this.#highest - this.#base + 1 - this.#receivedOfSource : 0;
  }

  #restart(ssrc: number, sequence: number): void {
    this.#lostBefore = this.lost;
    this.#started = true;
    this.#paused = false;
    this.#ssrc = ssrc | 0;
    this.#base = sequence;
    this.#highest = sequence;
    this.#cycles = 0;
    this.#badSequence = NONE;
    this.#receivedOfSource = 0;
    this.#duplicatesOfSource = 0;
    this.#seen = 1;
    this.#timed = false;
    this.#expectedPrior = 0;
    this.#receivedPrior = 0;
  }

  #advance(sequence: number): void {
    const distance = sequenceDistance(sequence, this.#highest);
    if (distance > 0 && distance < MAX_DROPOUT) {
      if (sequence < this.#highest) this.#cycles += SEQUENCE_CYCLE;
      this.#highest = sequence;
      this.#badSequence = NONE;
      this.#seen = distance < WINDOW ? (this.#seen << distance) | 1 : 1;
    } else if (distance <= 0 && distance > -WINDOW) {
      const bit = 1 << -distance;
      if (this.#seen & bit) this.#duplicatesOfSource++;
      this.#seen |= bit;
    } else if (distance >= MAX_DROPOUT || distance < -MAX_MISORDER) {
      // Two packets in a row after a jump: the sender has restarted its sequence.
      if (sequence === this.#badSequence) {
        this.#restart(this.#ssrc, sequence);
      } else {
        this.#badSequence = (sequence + 1) & 0xffff;
      }
    }
  }
}
