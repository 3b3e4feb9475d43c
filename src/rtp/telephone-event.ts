import { timestampDistance } from './sequence.js';

/*
 * RFC 4733 2.3
 *
 *   |     event     |E|R| volume    |          duration             |
 */

export const TELEPHONE_EVENT_BYTES = 4;
const DIGITS = '0123456789*#ABCD';
const END_BIT = 0x80;
const MAX_DURATION = 0xffff;
/** Updates come every 20 to 50 ms; so long without one means that every end packet was lost. */
const LOST_END_MS = 250;
/** A packet older than the current event by up to ten seconds, more than a segment lasts, is a late one. */
const LATE_UNITS = 80_000;

/** The event code of a digit (0-9, *, #, A-D), or -1. */
export function eventOfDigit(digit: string): number {
  return digit.length === 1 ? DIGITS.indexOf(digit.toUpperCase()) : -1;
}

/** The digit of an event code, or null where the event is no DTMF digit. */
export function digitOfEvent(event: number): string | null {
  return DIGITS[event] ?? null;
}

/** Writes one event payload at `offset`. `duration` in timestamp units. */
export function writeTelephoneEvent(
  target: Buffer,
  offset: number,
  event: number,
  end: boolean,
  duration: number,
): void {
  target[offset] = event;
  target[offset + 1] = (end ? END_BIT : 0) | 10;
  const bounded = Math.min(duration, MAX_DURATION);
  target[offset + 2] = bounded >> 8;
  target[offset + 3] = bounded;
}

/**
 * Finds digits in RFC 4733 packets: each once, at its first end packet, or when the next event begins or
 * updates cease where every end packet was lost. An event is known by SSRC, timestamp and code (2.5.1).
 */
export class TelephoneEventDetector {
  readonly #clockRate: number;
  readonly #onDigit: (digit: string, durationMs: number) => void;
  readonly #onBegin: (digit: string) => void;
  #open = false;
  #known = false;
  #ssrc = 0;
  #timestamp = 0;
  #event = 0;
  /** Of the segments before this one (2.5.1.3). */
  #segments = 0;
  #duration = 0;
  #lastAtMs = 0;

  /** `onBegin`: a press is heard of for the first time; `onDigit` follows when it has ended. */
  constructor(
    clockRate: number,
    onDigit: (digit: string, durationMs: number) => void,
    onBegin: (digit: string) => void = () => undefined,
  ) {
    this.#clockRate = clockRate;
    this.#onDigit = onDigit;
    this.#onBegin = onBegin;
  }

  /** The digit that is being pressed; null where none is, or where its end was reported. */
  get pressed(): string | null {
    return this.#open ? digitOfEvent(this.#event) : null;
  }

  /** True while an event has begun and not been reported: `expire` is to be called from time to time. */
  get open(): boolean {
    return this.#open;
  }

  /** Takes one event packet; payloads that are too short are ignored. */
  push(
    ssrc: number,
    timestamp: number,
    packet: Buffer,
    payloadStart: number,
    payloadEnd: number,
    nowMs: number,
  ): void {
    if (payloadEnd - payloadStart < TELEPHONE_EVENT_BYTES) return;
    const event = packet[payloadStart]!;
    const end = (packet[payloadStart + 1]! & END_BIT) !== 0;
    const duration = (packet[payloadStart + 2]! << 8) | packet[payloadStart + 3]!;
    const same = this.#known && ssrc === this.#ssrc && timestamp === this.#timestamp && event === this.#event;
    if (!same) {
      if (this.#isLate(ssrc, timestamp)) return;
      if (this.#continues(ssrc, timestamp, event)) {
        this.#segments += this.#duration;
      } else {
        if (this.#open) this.#report();
        this.#segments = 0;
        this.#open = true;
        const digit = digitOfEvent(event);
        if (digit !== null) this.#onBegin(digit);
      }
      this.#known = true;
      this.#ssrc = ssrc;
      this.#timestamp = timestamp;
      this.#event = event;
      this.#duration = 0;
    }
    if (!this.#open) return;
    if (duration > this.#duration) this.#duration = duration;
    this.#lastAtMs = nowMs;
    if (end) this.#report();
  }

  /** Reports an event whose updates have ceased. */
  expire(nowMs: number): void {
    if (this.#open && nowMs - this.#lastAtMs >= LOST_END_MS) this.#report();
  }

  #isLate(ssrc: number, timestamp: number): boolean {
    if (!this.#known || ssrc !== this.#ssrc) return false;
    const distance = timestampDistance(timestamp, this.#timestamp);
    return distance < 0 && distance > -LATE_UNITS;
  }

  #continues(ssrc: number, timestamp: number, event: number): boolean {
    if (!this.#open || ssrc !== this.#ssrc || event !== this.#event) return false;
    const distance = timestampDistance(timestamp, this.#timestamp);
    return this.#duration > MAX_DURATION / 2 && distance >= this.#duration && distance <= MAX_DURATION;
  }

  #report(): void {
    this.#open = false;
    const digit = digitOfEvent(this.#event);
    if (digit === null) return;
    this.#onDigit(digit, Math.round(((this.#segments + this.#duration) * 1000) / this.#clockRate));
  }
}
