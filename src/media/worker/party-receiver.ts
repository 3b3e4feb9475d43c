import type { RemoteInfo } from 'node:dgram';
import type { Clock } from '../../common/clock.js';
import { PressFilter } from '../../common/press-filter.js';
import {
  looksLikeRtcp,
  MAX_RTP_BYTES,
  RTP_FAULTS,
  RTP_HEADER_BYTES,
  rtpPayloadEnd,
  rtpPayloadStart,
  rtpSequence,
  rtpSsrc,
  rtpTimestamp,
  type RtpFault,
} from '../../rtp/packet.js';
import { SourceStatistics } from '../../rtp/source-statistics.js';
import { TELEPHONE_EVENT_BYTES, TelephoneEventDetector } from '../../rtp/telephone-event.js';
import type { StreamSettings } from '../worker-messages.js';
import type { DirectRoute } from './direct-route.js';
import type { EndpointContext, WorkerCounters } from './endpoint-context.js';
import { InboundSrtp } from './inbound-srtp.js';
import { Latch } from './latch.js';
import { clockRateOf, PayloadTypeTable, toldAs, type PayloadKind } from './payload-type-table.js';
import { SilenceWatch } from './silence-watch.js';
import { ToneSearch } from './tone-search.js';

const NARROW_RATE = 8000;
const WIDE_RATE = 48_000;
/** Version 2, without padding, extension or CSRC. */
const PLAIN_HEADER = 0x80;
/** RFC 5761 4: a payload type of these, with its marker, may be RTCP. */
const [FIRST_RTCP_TYPE, LAST_RTCP_TYPE] = [64, 95];
/** A tone ends where no audio comes for so long. */
const TONE_LOST_MS = 250;
/** A party that hears another one directly, and was silent here for so long, has sent elsewhere. */
const ELSEWHERE_MS = 1000;
/** Events whose late packets may still be under way. */
const TOLD_KEPT = 8;

/** A valid packet of the party, as it goes to those who hear it. Returns a short way for the next of its kind. */
export type TakePacket = (
  packet: Buffer,
  start: number,
  end: number,
  kind: PayloadKind,
  ssrc: number,
  sequence: number,
  timestamp: number,
  nowMs: number,
) => DirectRoute | null;

export interface PartyReceiverOptions {
  readonly callId: string;
  readonly legId: string;
  readonly symmetricRtp: boolean;
  readonly context: EndpointContext;
  readonly onPacket: TakePacket;
  /** `kind`: how it came; a G.711 codec where it was found as tones. `first`: no other way has told of this press. */
  readonly onDigit: (digit: string, durationMs: number, kind: PayloadKind, first: boolean) => void;
  /** RTCP of the party; false where it is none. */
  readonly onReport: (packet: Buffer, nowMs: number) => boolean;
}

/** What one party sends: from whom it is taken, what is counted, which digits it holds. */
export class PartyReceiver {
  readonly latch: Latch;
  readonly received = new SourceStatistics(NARROW_RATE);
  readonly watch = new SilenceWatch();
  /** The party sends to another one: what does not come here is not lost. */
  resting = false;
  /**
   * Each press goes to the other side once. What tells of it first does: a telephone-event as soon as it begins, so that a
   * report of the call (which knows it when it has ended) is too late.
   */
  readonly presses = new PressFilter();
  readonly #options: PartyReceiverOptions;
  readonly #clock: Clock;
  readonly #counters: WorkerCounters;
  readonly #types = new PayloadTypeTable();
  readonly #events: TelephoneEventDetector;
  readonly #wideEvents: TelephoneEventDetector;
  /** Only where tones are to be found (`dtmf: inband`). */
  #tones: ToneSearch | null = null;
  readonly #srtp: InboundSrtp;
  #settings: StreamSettings | null = null;
  /** The short way of plain packets with this payload type; -1 for none. */
  #direct: DirectRoute | null = null;
  #directType = -1;
  /** Is the event of now the first that is heard of its press? */
  #eventFirst = true;
  /** Timestamps of the events that were not. */
  #told: number[] = [];
  #eventTimestamp = 0;
  #eventBeganMs = 0;
  #octets = 0;
  #lastAtMs = 0;
  /** What of it the watch knows: it is told at the checks, not with each packet. */
  #watchedMs = 0;
  #rejected = 0;
  #faultLogged = false;

  constructor(options: PartyReceiverOptions) {
    this.#options = options;
    this.#clock = options.context.clock;
    this.#counters = options.context.counters;
    this.latch = new Latch(options.symmetricRtp);
    this.#srtp = new InboundSrtp(options.context.onSrtpReached);
    const detector = (rate: number, kind: 'event' | 'wideEvent'): TelephoneEventDetector =>
      new TelephoneEventDetector(
        rate,
        (digit, durationMs) => {
          options.onDigit(digit, durationMs, kind, this.#eventFirst);
        },
        (digit) => {
          this.#begins(digit);
        },
      );
    this.#events = detector(NARROW_RATE, 'event');
    this.#wideEvents = detector(WIDE_RATE, 'wideEvent');
  }

  /** When the newest packet came; 0 before the first. */
  get lastAtMs(): number {
    return this.#lastAtMs;
  }
  /** When the press of now, or the last one, was first heard of as a telephone-event. */
  get eventBeganMs(): number {
    return this.#eventBeganMs;
  }
  get octets(): number {
    return this.#octets;
  }
  /** Packets of strangers and malformed ones. */
  get rejected(): number {
    return this.#rejected;
  }

  /** `srtpReached`: see InboundSrtp. */
  configure(settings: StreamSettings, nowMs: number, srtpReached?: ReadonlyMap<number, number>): void {
    this.#settings = settings;
    this.detour();
    this.#types.set(settings);
    this.#srtp.configure(settings.srtp, nowMs, srtpReached);
    if (settings.remoteRtp) this.latch.signal(settings.remoteRtp, nowMs);
    if (settings.dtmf !== 'inband') this.#tones = null;
    else {
      this.#tones ??= new ToneSearch((digit, durationMs) => {
        const first = this.presses.isNew(digit, 'inband', this.#options.context.clock.now());
        this.#options.onDigit(digit, durationMs, 'PCMU', first);
      });
    }
    this.watch.setExpecting(settings.mayReceive, nowMs);
  }

  /** The next packet goes the long way: something about this party has changed. */
  detour(): void {
    this.#direct = null;
  }

  /** A datagram on the RTP socket. */
  readonly onRtp = (packet: Buffer, from: RemoteInfo): void => {
    const direct = this.#direct;
    if (
      direct?.open &&
      packet.length > RTP_HEADER_BYTES &&
      packet.length <= MAX_RTP_BYTES &&
      packet[0] === PLAIN_HEADER &&
      (packet[1]! & 0x7f) === this.#directType
    ) {
      const nowMs = this.#clock.now();
      if (this.latch.judge(from.address, from.port, nowMs) === 'accept')
        this.#relayDirectly(direct, packet, nowMs);
      else this.#reject('from a stranger', from);
      return;
    }
    this.#takeRtp(packet, from);
  };

  #takeRtp(packet: Buffer, from: RemoteInfo): void {
    const encrypted = this.#srtp.on;
    const start = rtpPayloadStart(packet, encrypted);
    if (start < 0) {
      this.#reject(RTP_FAULTS[start as RtpFault], from);
      return;
    }
    if (this.#settings?.rtcpMux && looksLikeRtcp(packet)) {
      this.onRtcp(packet, from);
      return;
    }
    const settings = this.#settings;
    // An offer of ours is out: without the answer nobody is known to belong here.
    if (!settings) return;
    const kind = this.#types.kinds[packet[1]! & 0x7f] as PayloadKind;
    if (kind === 'unknown') {
      this.#reject('payload type that was not agreed', from);
      return;
    }
    const nowMs = this.#options.context.clock.now();
    const plain = encrypted ? this.#decrypt(packet, start, from, nowMs) : packet;
    if (!plain) return;
    const verdict = this.latch.judge(from.address, from.port, nowMs);
    if (verdict !== 'accept') {
      if (verdict === 'reject') this.#reject('from a stranger', from);
      return;
    }
    if (!settings.mayReceive) return;
    const isEvent = kind === 'event' || kind === 'wideEvent';
    if (isEvent && rtpPayloadEnd(plain) - start < TELEPHONE_EVENT_BYTES) {
      this.#reject('telephone-event that is cut short', from);
      return;
    }
    const type = packet[1]! & 0x7f;
    const direct = this.#take(plain, start, kind, isEvent, nowMs);
    const plainAudio = !encrypted && !this.#tones && (type < FIRST_RTCP_TYPE || type > LAST_RTCP_TYPE);
    this.#direct = plainAudio ? direct : null;
    this.#directType = type;
  }

  /** A datagram on the RTCP socket. */
  readonly onRtcp = (packet: Buffer, from: RemoteInfo): void => {
    const { latch } = this;
    const known = from.address === latch.lockedAddress || from.address === latch.sendAddress;
    const nowMs = this.#options.context.clock.now();
    const end = known && this.#srtp.on ? this.#srtp.unprotectRtcp(packet, nowMs) : packet.length;
    if (typeof end !== 'number') {
      this.#reject(end, from);
      return;
    }
    if (!known || !this.#options.onReport(packet.subarray(0, end), nowMs)) {
      this.#reject(known ? 'not RTCP' : 'RTCP from a stranger', from);
    }
  };

  /** Regular checks; the length of a silence that is to be reported, else 0. */
  check(nowMs: number): number {
    if (this.#events.open) this.#events.expire(nowMs);
    if (this.#wideEvents.open) this.#wideEvents.expire(nowMs);
    if (this.#tones && nowMs - this.#lastAtMs > TONE_LOST_MS) this.#tones.idle();
    if (this.#lastAtMs > this.#watchedMs) {
      this.#watchedMs = this.#lastAtMs;
      this.watch.heard(this.#lastAtMs);
    }
    return this.watch.check(nowMs);
  }

  /** One line per leg: what follows is only counted. */
  logOnce(detail: object, message: string): void {
    if (this.#faultLogged) return;
    this.#faultLogged = true;
    const { callId, legId, context } = this.#options;
    context.log.info({ callId, legId, ...detail }, message);
  }

  /** Before its source is judged: who cannot prove to be the peer moves nothing here. */
  #decrypt(packet: Buffer, start: number, from: RemoteInfo, nowMs: number): Buffer | null {
    const { latch } = this;
    // Once the source is locked, strangers are not worth the work.
    if (latch.refuses(from.address, from.port)) {
      this.#reject('from a stranger', from);
      return null;
    }
    const end = this.#srtp.unprotect(packet, start, nowMs);
    if (typeof end !== 'number') {
      this.#reject(end, from);
      return null;
    }
    const plain = packet.subarray(0, end);
    const fault = rtpPayloadStart(plain);
    if (fault >= 0) return plain;
    this.#reject(RTP_FAULTS[fault as RtpFault], from);
    return null;
  }

  #relayDirectly(direct: DirectRoute, packet: Buffer, nowMs: number): void {
    const ssrc = rtpSsrc(packet);
    const sequence = rtpSequence(packet);
    const timestamp = rtpTimestamp(packet);
    this.received.update(ssrc, sequence, timestamp, nowMs, true);
    this.#count(packet.length - RTP_HEADER_BYTES, nowMs);
    direct.relay(packet, ssrc, sequence, timestamp, nowMs);
  }

  #count(octets: number, nowMs: number): void {
    this.#octets += octets;
    this.#counters.packetsReceived++;
    this.#lastAtMs = nowMs;
  }

  #take(
    packet: Buffer,
    start: number,
    kind: PayloadKind,
    isEvent: boolean,
    nowMs: number,
  ): DirectRoute | null {
    const end = rtpPayloadEnd(packet);
    const ssrc = rtpSsrc(packet);
    const sequence = rtpSequence(packet);
    const timestamp = rtpTimestamp(packet);
    const { received } = this;
    received.clockRate = clockRateOf(kind);
    if (this.resting && nowMs - this.#lastAtMs > ELSEWHERE_MS) received.pause();
    received.update(ssrc, sequence, timestamp, nowMs, !isEvent);
    this.#count(end - start, nowMs);
    let passedAs = kind;
    if (kind === 'event' || kind === 'wideEvent') {
      const detector = kind === 'event' ? this.#events : this.#wideEvents;
      this.#eventTimestamp = timestamp;
      detector.push(ssrc, timestamp, packet, start, end, nowMs);
      if (detector.pressed !== null) this.presses.goesOn(detector.pressed, nowMs);
      if (this.#told.includes(timestamp)) passedAs = toldAs(kind);
    }
    this.#tones?.take(packet, start, end, kind, sequence);
    return this.#options.onPacket(packet, start, end, passedAs, ssrc, sequence, timestamp, nowMs);
  }

  #begins(digit: string): void {
    this.#eventBeganMs = this.#options.context.clock.now();
    this.#eventFirst = this.presses.isNew(digit, 'rfc4733', this.#eventBeganMs);
    if (this.#eventFirst) return;
    this.#told.push(this.#eventTimestamp);
    if (this.#told.length > TOLD_KEPT) this.#told.shift();
  }

  #reject(why: string, from: RemoteInfo): void {
    this.#rejected++;
    this.#options.context.counters.packetsRejected++;
    this.logOnce({ why, from: `${from.address}:${from.port}` }, 'packet dropped');
  }
}
