import { sequenceDistance, timestampDistance } from '../../../../src/rtp/sequence.js';
import type { Ledger } from './ledger.js';
import type { SentLog } from './sent-log.js';
import type { Mark, Role } from './voice.js';

/** Packets of a stream that are remembered by their number. */
const REMEMBERED = 512;
/** A packet so much later in a source's order counts one that is missing as lost. */
const LATE_BY = 150;
const UNDER_WAY = 5;
/** A timestamp this far from the time that has passed is a jump; less is a machine with other things to do. */
const JUMP_MS = 4000;

/** Who is behind the packets of a voice: what was sent, and whether some are sent twice on purpose. */
export interface Source {
  readonly log: SentLog;
  readonly duplicates: boolean;
}

/** One packet of the stream. `mark` is null for sound of the node's own. */
export interface Arrived {
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly mark: Mark | null;
  readonly source: Source | null;
  /** Timestamps of telephone-events stand still. */
  readonly timed: boolean;
  readonly nowMs: number;
}

/**
 * Holds one RTP stream to what RFC 3550 asks over every change of its source: one SSRC, numbers without holes and
 * without repetition, timestamps that go on with time, and of each source every packet that it sent.
 */
export class StreamCheck {
  readonly #who: string;
  readonly #unitsPerMs: number;
  readonly #ledger: Ledger;
  /** By sequence number: what came under it. */
  readonly #ring = new Array<{ readonly sequence: number; readonly what: string } | undefined>(REMEMBERED);
  /** Numbers of the source that have not come yet. */
  readonly #missing = new Set<number>();
  #ssrc: number | null = null;
  #highest = 0;
  #timestamp = 0;
  #atMs = 0;
  #role: Role | null = null;
  #sourceHighest = 0;
  #offset = 0;

  constructor(who: string, clockRate: number, ledger: Ledger) {
    this.#who = who;
    this.#unitsPerMs = clockRate / 1000;
    this.#ledger = ledger;
  }

  get ssrc(): number | null {
    return this.#ssrc;
  }
  get highest(): number {
    return this.#highest;
  }

  /** `switching`: what a source says now need not all be heard (a key sounds, a hold begins, another party joins). */
  take(packet: Arrived, switching: boolean): void {
    this.#ledger.count('packets heard');
    if (this.#ssrc === null) {
      this.#ssrc = packet.ssrc;
      this.#highest = (packet.sequence - 1) & 0xffff;
      this.#timestamp = (packet.timestamp - 1) >>> 0;
      this.#atMs = packet.nowMs;
    }
    if (packet.ssrc !== this.#ssrc) {
      this.#fault(`SSRC ${this.#ssrc} became ${packet.ssrc}`);
      this.#ssrc = packet.ssrc;
      this.#highest = (packet.sequence - 1) & 0xffff;
    }
    const missed = this.#follow(packet, switching);
    const ahead = sequenceDistance(packet.sequence, this.#highest);
    if (ahead <= 0) {
      this.#late(packet);
    } else {
      // Holes that the source has too are the network's that it plays, or already counted.
      const holes = ahead - 1 - missed;
      for (let hole = 0; hole < Math.min(holes, REMEMBERED); hole++)
        this.#ledger.lost(`${this.#who}: a packet before ${packet.sequence}`);
      this.#times(packet);
      this.#highest = packet.sequence;
    }
    const what = packet.mark ? `${packet.mark.role} ${packet.mark.sequence}` : 'own';
    this.#ring[packet.sequence % REMEMBERED] = { sequence: packet.sequence, what };
  }

  /** What has not come by now is lost. */
  close(): void {
    for (const sequence of this.#missing) {
      // The newest ones may have been under way when it ended.
      if (sequenceDistance(this.#sourceHighest, sequence) > UNDER_WAY) this.#lose(sequence);
    }
    this.#missing.clear();
  }

  /** How many numbers of the source lie between this packet and the one before; 0 where the source is another one. */
  #follow({ mark, source, timed }: Arrived, switching: boolean): number {
    // An event does not say which number it had at its source.
    if (!mark || !source) return timed ? 0 : Number.POSITIVE_INFINITY;
    if (mark.role !== this.#role) {
      this.close();
      this.#role = mark.role;
      this.#sourceHighest = mark.sequence;
      return 0;
    }
    const ahead = sequenceDistance(mark.sequence, this.#sourceHighest);
    if (ahead <= 0) {
      this.#missing.delete(mark.sequence);
      return 0;
    }
    for (let sequence = (this.#sourceHighest + 1) & 0xffff; sequence !== mark.sequence;) {
      if (source.log.wasAudio(sequence)) {
        if (switching) this.#ledger.count('left out at a switch');
        else if (ahead < 1000) this.#missing.add(sequence);
      }
      sequence = (sequence + 1) & 0xffff;
    }
    this.#sourceHighest = mark.sequence;
    for (const sequence of this.#missing) {
      if (sequenceDistance(mark.sequence, sequence) < LATE_BY) break;
      this.#lose(sequence);
    }
    return ahead - 1;
  }

  #lose(sequence: number): void {
    this.#missing.delete(sequence);
    this.#ledger.lost(`${this.#who}: packet ${sequence} of the ${this.#role}, now at ${this.#sourceHighest}`);
  }

  #late(packet: Arrived): void {
    const before = this.#ring[packet.sequence % REMEMBERED];
    if (before?.sequence !== packet.sequence) {
      this.#ledger.count('heard late');
      return;
    }
    const what = packet.mark ? `${packet.mark.role} ${packet.mark.sequence}` : 'own';
    if (before.what === what && packet.source?.duplicates === true)
      this.#ledger.count('heard twice, as sent');
    else this.#fault(`sequence ${packet.sequence} came twice: ${before.what}, then ${what}`);
  }

  #times(packet: Arrived): void {
    const { timestamp, mark, timed, nowMs } = packet;
    if (!timed) return;
    const moved = timestampDistance(timestamp, this.#timestamp);
    if (mark) {
      const offset = (timestamp - mark.timestamp) >>> 0;
      if (offset !== this.#offset) this.#ledger.count('timelines begun');
      this.#offset = offset;
    }
    if (moved <= 0) this.#fault(`timestamp went from ${this.#timestamp} to ${timestamp}`);
    const driftMs = moved / this.#unitsPerMs - (nowMs - this.#atMs);
    if (Math.abs(driftMs) > JUMP_MS)
      this.#ledger.late(`${this.#who}: timestamp ${Math.round(driftMs)} ms off the time passed`);
    this.#timestamp = timestamp;
    this.#atMs = nowMs;
  }

  #fault(what: string): void {
    this.#ledger.fault(`${this.#who}: ${what}`);
  }
}
