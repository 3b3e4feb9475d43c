import type { RemoteInfo } from 'node:dgram';
import {
  looksLikeRtcp,
  RTP_FAULTS,
  rtpPayloadEnd,
  rtpPayloadStart,
  rtpSequence,
  rtpSsrc,
  rtpTimestamp,
  type RtpFault,
} from '../../rtp/packet.js';
import { SourceStatistics } from '../../rtp/source-statistics.js';
import { TelephoneEventDetector } from '../../rtp/telephone-event.js';
import type { StreamSettings } from '../worker-messages.js';
import type { EndpointContext } from './endpoint-context.js';
import { Latch } from './latch.js';
import { clockRateOf, PayloadTypeTable, type PayloadKind } from './payload-type-table.js';
import { SilenceWatch } from './silence-watch.js';

const NARROW_RATE = 8000;
const WIDE_RATE = 48_000;

/** A valid packet of the party, as it goes to those who hear it. */
export type TakePacket = (
  packet: Buffer,
  start: number,
  end: number,
  kind: PayloadKind,
  ssrc: number,
  sequence: number,
  timestamp: number,
  nowMs: number,
) => void;

export interface PartyReceiverOptions {
  readonly callId: string;
  readonly legId: string;
  readonly symmetricRtp: boolean;
  readonly context: EndpointContext;
  readonly onPacket: TakePacket;
  readonly onDigit: (digit: string, durationMs: number) => void;
  /** RTCP of the party; false where it is none. */
  readonly onReport: (packet: Buffer, nowMs: number) => boolean;
}

/** What one party sends: from whom it is taken, what is counted, which digits it holds. */
export class PartyReceiver {
  readonly latch: Latch;
  readonly received = new SourceStatistics(NARROW_RATE);
  readonly watch = new SilenceWatch();
  readonly #options: PartyReceiverOptions;
  readonly #types = new PayloadTypeTable();
  readonly #events: TelephoneEventDetector;
  readonly #wideEvents: TelephoneEventDetector;
  #settings: StreamSettings | null = null;
  #octets = 0;
  #rejected = 0;
  #faultLogged = false;

  constructor(options: PartyReceiverOptions) {
    this.#options = options;
    this.latch = new Latch(options.symmetricRtp);
    this.#events = new TelephoneEventDetector(NARROW_RATE, options.onDigit);
    this.#wideEvents = new TelephoneEventDetector(WIDE_RATE, options.onDigit);
  }

  get octets(): number {
    return this.#octets;
  }
  /** Packets of strangers and malformed ones. */
  get rejected(): number {
    return this.#rejected;
  }

  configure(settings: StreamSettings, nowMs: number): void {
    this.#settings = settings;
    this.#types.set(settings);
    if (settings.remoteRtp) this.latch.signal(settings.remoteRtp, nowMs);
    this.watch.setExpecting(settings.mayReceive, nowMs);
  }

  /** A datagram on the RTP socket. */
  readonly onRtp = (packet: Buffer, from: RemoteInfo): void => {
    const start = rtpPayloadStart(packet);
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
    const verdict = this.latch.judge(from.address, from.port, nowMs);
    if (verdict !== 'accept') {
      if (verdict === 'reject') this.#reject('from a stranger', from);
      return;
    }
    if (!settings.mayReceive) return;
    this.#take(packet, start, kind, nowMs);
  };

  /** A datagram on the RTCP socket. */
  readonly onRtcp = (packet: Buffer, from: RemoteInfo): void => {
    const { latch } = this;
    const known = from.address === latch.lockedAddress || from.address === latch.sendAddress;
    if (!known || !this.#options.onReport(packet, this.#options.context.clock.now())) {
      this.#reject(known ? 'not RTCP' : 'RTCP from a stranger', from);
    }
  };

  /** Regular checks; the length of a silence that is to be reported, else 0. */
  check(nowMs: number): number {
    if (this.#events.open) this.#events.expire(nowMs);
    if (this.#wideEvents.open) this.#wideEvents.expire(nowMs);
    return this.watch.check(nowMs);
  }

  /** One line per leg: what follows is only counted. */
  logOnce(detail: object, message: string): void {
    if (this.#faultLogged) return;
    this.#faultLogged = true;
    const { callId, legId, context } = this.#options;
    context.log.info({ callId, legId, ...detail }, message);
  }

  #take(packet: Buffer, start: number, kind: PayloadKind, nowMs: number): void {
    const end = rtpPayloadEnd(packet);
    const ssrc = rtpSsrc(packet);
    const sequence = rtpSequence(packet);
    const timestamp = rtpTimestamp(packet);
    const isEvent = kind === 'event' || kind === 'wideEvent';
    const { received } = this;
    received.clockRate = clockRateOf(kind);
    received.update(ssrc, sequence, timestamp, nowMs, !isEvent);
    this.#octets += end - start;
    this.#options.context.counters.packetsReceived++;
    this.watch.heard(nowMs);
    if (isEvent) {
      const detector = kind === 'event' ? this.#events : this.#wideEvents;
      detector.push(ssrc, timestamp, packet, start, end, nowMs);
    }
    this.#options.onPacket(packet, start, end, kind, ssrc, sequence, timestamp, nowMs);
  }

  #reject(why: string, from: RemoteInfo): void {
    this.#rejected++;
    this.#options.context.counters.packetsRejected++;
    this.logOnce({ why, from: `${from.address}:${from.port}` }, 'packet dropped');
  }
}
