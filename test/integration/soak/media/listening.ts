import { DtmfDetector } from '../../../../src/rtp/dtmf-detector.js';
import { ALAW_TO_LINEAR, ULAW_TO_LINEAR } from '../../../../src/rtp/g711.js';
import { rtpSequence, rtpSsrc, rtpTimestamp } from '../../../../src/rtp/packet.js';
import type { Ledger } from './ledger.js';
import type { Format } from './party-sdp.js';
import { StreamCheck, type Source } from './stream-check.js';
import { isSilent, linear, markOf, moreThanTwo, Voice, type Mark, type Role } from './voice.js';

const DIGITS = '0123456789*#ABCD';
/** Every so many frames of a mix are looked into. */
const MIX_EVERY = 5;
/** So many looks in a row are no chance. */
const CERTAIN = 3;

interface Waiter {
  readonly wanted: (what: Role | 'mix' | 'digit') => boolean;
  readonly resolve: () => void;
}

/** Whom a party may hear. `then`: once that one was heard, nobody of `may` is heard again. */
interface Expected {
  may: readonly Role[];
  then: Role | null;
  /** Both at once, and not oneself. */
  mix: readonly [Role, Role] | null;
}

/** What one party hears, held against whom it may hear: a voice of anybody else is a fault, wherever it comes from. */
export class Listening {
  readonly name: string;
  /** Nobody's packets need come whole: a key sounds, a hold begins, another party joins. */
  switching = true;
  /** So many reports (RTCP) were read. */
  reports = 0;
  readonly #role: Role;
  readonly #call: number;
  readonly #ledger: Ledger;
  readonly #sourceOf: (role: Role, wide: boolean) => Source | null;
  readonly #narrow: StreamCheck;
  readonly #wide: StreamCheck;
  readonly #tones: DtmfDetector | null;
  readonly #digits: string[] = [];
  readonly #waiters = new Set<Waiter>();
  #expected: Expected = { may: [], then: null, mix: null };
  #quietFromMs = Number.POSITIVE_INFINITY;
  #eventTimestamp: number | null = null;
  #lastFrame: Int16Array | null = null;
  #mixFrames = 0;
  #crowd = 0;
  #echo = 0;

  constructor(
    call: number,
    role: Role,
    digits: 'tones' | 'packets',
    sourceOf: (role: Role, wide: boolean) => Source | null,
    ledger: Ledger,
  ) {
    this.name = `call ${call}, ${role}`;
    this.#call = call;
    this.#role = role;
    this.#sourceOf = sourceOf;
    this.#ledger = ledger;
    this.#narrow = new StreamCheck(this.name, 8000, ledger);
    this.#wide = new StreamCheck(`${this.name} (48 kHz)`, 48_000, ledger);
    this.#tones = digits === 'tones' ? new DtmfDetector((key) => this.digit(key)) : null;
  }

  /** From now on these may be heard; `then` drives out the others with its first packet. */
  expect(may: readonly Role[], then: Role | null = null): void {
    this.#expected = { may: then === null ? may : [...may, then], then, mix: null };
  }

  expectMix(both: readonly [Role, Role]): void {
    this.#expected = { may: both, then: null, mix: both };
  }

  /** Nothing may come after this time, until `undefined` is given. */
  expectQuiet(fromMs: number | undefined): void {
    this.#quietFromMs = fromMs ?? Number.POSITIVE_INFINITY;
  }

  /** A digit that this party is to hear, once, in whatever way. */
  expectDigit(digit: string): void {
    this.#digits.push(digit);
  }

  get awaitsDigits(): boolean {
    return this.#digits.length > 0;
  }

  /** Resolves with the next packet of this voice, or the next digit, or both voices in one sound. */
  hears(what: Role | 'mix' | 'digit'): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.add({ wanted: (heard) => heard === what, resolve });
    });
  }

  take(
    packet: Buffer,
    start: number,
    end: number,
    format: Format | 'event' | 'wideEvent',
    nowMs: number,
  ): void {
    if (nowMs > this.#quietFromMs) {
      this.#ledger.late(`${this.name} hears ${format} while it holds`);
      this.#quietFromMs = Number.POSITIVE_INFINITY;
    }
    this.#ledger.standstills.heard(nowMs);
    const isEvent = format === 'event' || format === 'wideEvent';
    const wide = format === 'opus' || format === 'wideEvent';
    const payload = packet.subarray(start, end);
    const mark = isEvent ? null : markOf(payload, format === 'opus' ? 1 : 0);
    (wide ? this.#wide : this.#narrow).take(
      {
        sequence: rtpSequence(packet),
        timestamp: rtpTimestamp(packet),
        ssrc: rtpSsrc(packet),
        mark: mark && this.#admit(mark) ? mark : null,
        source: mark ? this.#sourceOf(mark.role, wide) : null,
        timed: !isEvent,
        nowMs,
      },
      this.switching,
    );
    if (isEvent) this.#event(payload, rtpTimestamp(packet));
    else if (format === 'PCMA' || format === 'PCMU') this.#sound(payload, format, mark);
  }

  /** Reports of the node; its SSRC must be one of those that were heard. */
  report(ssrc: number): void {
    this.reports++;
    const known = [this.#narrow.ssrc, this.#wide.ssrc].filter((one) => one !== null);
    if (known.length > 0 && !known.includes(ssrc)) this.#ledger.count('reports of a stream not heard yet');
  }

  /** Highest sequence number and SSRC, for our own reports; null before the first packet. */
  get received(): { readonly ssrc: number; readonly highest: number } | null {
    const { ssrc, highest } = this.#narrow;
    return ssrc === null ? null : { ssrc, highest };
  }

  /** A digit came, as an event, a tone or by INFO. */
  digit(digit: string): void {
    const at = this.#digits.indexOf(digit);
    if (at < 0) this.#fault(`hears the digit ${digit}, which nobody pressed, or twice`);
    else this.#digits.splice(at, 1);
    this.#tell('digit');
  }

  close(): void {
    this.#narrow.close();
    this.#wide.close();
    for (const waiter of this.#waiters) waiter.resolve();
    this.#waiters.clear();
  }

  /** A voice was heard: may it be? */
  #admit(mark: Mark): boolean {
    this.#ledger.count('voices heard');
    if (mark.role === 'stranger') this.#fault('hears a stranger');
    else if (mark.call !== this.#call) this.#fault(`hears the ${mark.role} of call ${mark.call}`);
    else if (mark.role === this.#role) this.#fault('hears itself');
    else if (!this.#expected.may.includes(mark.role)) {
      this.#fault(`hears the ${mark.role}; may hear ${this.#expected.may.join(', ') || 'nobody'}`);
    } else {
      if (mark.role === this.#expected.then) this.expect([mark.role]);
      this.#tell(mark.role);
      return true;
    }
    return false;
  }

  #sound(payload: Buffer, law: 'PCMA' | 'PCMU', mark: Mark | null): void {
    this.#tones?.push(payload, 0, payload.length, law === 'PCMA' ? ALAW_TO_LINEAR : ULAW_TO_LINEAR);
    if (mark) {
      this.#lastFrame = null;
      return;
    }
    if (isSilent(payload)) this.#ledger.count('silence heard');
    else this.#ledger.count('other sound heard');
    const { mix } = this.#expected;
    if (mix) this.#mixed(linear(payload, law), mix);
  }

  /** Two frames in a row hold the steady part of each voice whole, whatever their places are. */
  #mixed(frame: Int16Array, mix: readonly [Role, Role]): void {
    const before = this.#lastFrame;
    this.#lastFrame = frame;
    if (!before || this.#mixFrames++ % MIX_EVERY !== 0) return;
    const samples = new Int16Array(before.length + frame.length);
    samples.set(before);
    samples.set(frame, before.length);
    const [one, other] = mix;
    if (!new Voice(this.#call, one).isIn(samples) || !new Voice(this.#call, other).isIn(samples)) return;
    this.#ledger.count('mixes looked into');
    this.#echo = new Voice(this.#call, this.#role).isIn(samples, true) ? this.#echo + 1 : 0;
    if (this.#echo === CERTAIN) this.#fault('hears itself in the mix');
    this.#crowd = moreThanTwo(samples) ? this.#crowd + 1 : 0;
    if (this.#crowd === CERTAIN) this.#fault(`hears more than the ${one} and the ${other} in the mix`);
    this.#tell('mix');
  }

  #event(payload: Buffer, timestamp: number): void {
    if (payload.length < 4 || (payload[1]! & 0x80) === 0 || timestamp === this.#eventTimestamp) return;
    this.#eventTimestamp = timestamp;
    this.digit(DIGITS[payload[0]!] ?? '?');
  }

  #tell(what: Role | 'mix' | 'digit'): void {
    for (const waiter of this.#waiters) {
      if (!waiter.wanted(what)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #fault(what: string): void {
    this.#ledger.fault(`${this.name} ${what}`);
  }
}
