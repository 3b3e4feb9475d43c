import type { G711Name } from '../../call/project.js';
import { ALAW_TO_ULAW, ULAW_TO_ALAW, translateInPlace } from '../../rtp/g711.js';
import { opusSamples } from '../../rtp/opus.js';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../rtp/packet.js';
import { TELEPHONE_EVENT_BYTES } from '../../rtp/telephone-event.js';
import { FRAME_SAMPLES } from '../prompt/prompt-audio.js';
import type { StreamSettings } from '../worker-messages.js';
import { DirectRoute } from './direct-route.js';
import type { EndpointContext } from './endpoint-context.js';
import { GapMeter } from './gap-meter.js';
import { OutgoingStream } from './outgoing-stream.js';
import type { PartyReceiver } from './party-receiver.js';
import { clockRateOf, sendTypesOf, type PayloadKind } from './payload-type-table.js';
import type { OpenRecording } from './recording-desk.js';
import { NoticeTone } from './notice-tone.js';
import { OutboundSrtp } from './outbound-srtp.js';
import { RtcpSession } from './rtcp-session.js';
import type { SocketPair } from './socket-pair-stock.js';

const FRAME_MS = 20;
const NARROW_RATE = 8000;
const WIDE_RATE = 48_000;

/** G.711 codes `[start, end)` that begin at this timestamp of the party's own stream. */
type Overhear = (timestamp: number, packet: Buffer, start: number, end: number, codec: G711Name) => void;

/** What goes out to one party: its RTP streams, RTCP, the measured gap, and the tap of a recording. */
export class PartySender {
  /** Everything with a clock of 8000 Hz. */
  readonly stream: OutgoingStream;
  readonly gap = new GapMeter();
  readonly rtcp: RtcpSession;
  settings: StreamSettings | null = null;
  recording: OpenRecording | null = null;
  readonly notice = new NoticeTone();
  #overhear: Overhear | null = null;
  readonly #context: EndpointContext;
  readonly #receiver: PartyReceiver;
  /** Opus: another clock is another SSRC (RFC 7160 4.1). */
  readonly #wide: OutgoingStream;
  /** The one of the two that was sent last. */
  #active: OutgoingStream;
  readonly #srtp = new OutboundSrtp();
  #pair: SocketPair | null = null;
  /** By which the party hears another. */
  #direct: DirectRoute | null = null;
  /** Payload type by what comes from the heard leg; what is not there cannot be passed on. */
  #types = new Map<PayloadKind, number>();

  constructor(context: EndpointContext, receiver: PartyReceiver) {
    this.#context = context;
    this.#receiver = receiver;
    this.stream = new OutgoingStream(context.random, NARROW_RATE, context.ssrcs?.narrow);
    this.#wide = new OutgoingStream(context.random, WIDE_RATE, context.ssrcs?.wide);
    this.#active = this.stream;
    this.rtcp = new RtcpSession(this.stream, receiver.received, context.random);
  }

  /** Takes the audio that goes out, for those who listen to this party; null while there is nobody. */
  set overhear(overhear: Overhear | null) {
    this.#overhear = overhear;
    this.detour();
  }

  /** There are sockets, an agreement, and a peer that wants to hear. */
  get able(): boolean {
    return (
      this.#pair !== null &&
      this.settings !== null &&
      this.settings.maySend &&
      this.settings.remoteRtp !== null
    );
  }
  get lastAtMs(): number {
    return this.#active.lastAtMs;
  }
  /** Of what is being sent, in Hz. */
  get clockRate(): number {
    return this.#active === this.#wide ? WIDE_RATE : NARROW_RATE;
  }
  get packets(): number {
    return this.stream.packets + this.#wide.packets;
  }
  get octets(): number {
    return this.stream.octets + this.#wide.octets;
  }

  attach(pair: SocketPair): void {
    this.#pair = pair;
  }

  configure(settings: StreamSettings, nowMs: number): void {
    this.settings = settings;
    this.#types = sendTypesOf(settings);
    this.#srtp.configure(settings.srtp);
    this.gap.setReceiving(settings.maySend && settings.remoteRtp !== null, nowMs);
    this.rtcp.start(nowMs);
  }

  takes(kind: PayloadKind): boolean {
    return this.#types.has(kind);
  }

  /** What comes next has another source. */
  switchSource(): void {
    this.stream.switchSource();
    this.#wide.switchSource();
  }

  /** Leaves out a packet of the heard leg, without a hole in the sequence. */
  skip(kind: PayloadKind, ssrc: number, sequence: number): void {
    this.#streamOf(kind).skipRelayed(ssrc, sequence);
  }

  /** Sends a packet of the heard leg, rewritten in place; the party takes its kind. */
  relay(
    packet: Buffer,
    start: number,
    end: number,
    kind: PayloadKind,
    ssrc: number,
    sequence: number,
    timestamp: number,
    nowMs: number,
  ): void {
    const stream = this.#streamOf(kind);
    const isEvent = kind === 'event' || kind === 'wideEvent';
    if (this.#active !== stream) this.#activate(stream);
    if (!stream.relay(ssrc, sequence, timestamp, packet[1]! & 0x80, !isEvent, nowMs)) return;
    let samples = end - start;
    if (isEvent) {
      samples = samples >= TELEPHONE_EVENT_BYTES ? (packet[start + 2]! << 8) | packet[start + 3]! : 0;
    } else if (kind === 'PCMU' || kind === 'PCMA') {
      if (kind !== this.settings!.sendCodec)
        translateInPlace(packet, start, end, kind === 'PCMU' ? ULAW_TO_ALAW : ALAW_TO_ULAW);
      this.#finish(packet, start, end, nowMs);
    } else if (kind === 'opus') {
      samples = opusSamples(packet, start, end);
    } else if (kind === 'CN') {
      samples = 0;
    }
    // CSRCs, extension and padding of the source end here: the header moves up to the payload.
    const head = start - RTP_HEADER_BYTES;
    const payloadType = this.#types.get(kind)!;
    writeRtpHeader(
      packet,
      head,
      stream.markerBit,
      payloadType,
      stream.sequence,
      stream.timestamp,
      stream.ssrc,
    );
    if (!this.#send(packet, head, end)) return;
    stream.sent(end - start, samples, nowMs);
    if (kind !== 'CN') {
      this.gap.sound(nowMs, isEvent ? FRAME_MS : (samples * 1000) / clockRateOf(kind));
    }
    this.#context.counters.packetsRelayed++;
  }

  /** A short way for what comes of this kind; null where more is to be done to a packet than to renumber it. */
  direct(kind: PayloadKind): DirectRoute | null {
    const pair = this.#pair;
    const payloadType = this.#types.get(kind);
    if (!pair || payloadType === undefined || kind !== this.settings?.sendCodec) return null;
    if (this.recording || this.#overhear || this.notice.sounding) return null;
    if (this.#srtp.sender || this.#active !== this.stream) return null;
    const { stream, gap } = this;
    const { counters } = this.#context;
    this.#direct = new DirectRoute({
      socket: pair.rtp,
      latch: this.#receiver.latch,
      stream,
      gap,
      counters,
      payloadType,
    });
    return this.#direct;
  }

  /** Closes the short way: something about what the party is sent has changed. */
  detour(): void {
    this.#direct?.close();
    this.#direct = null;
  }

  /** Sends a frame of 20 ms of our own, in packets as short as the party wants them. */
  sendFrame(packet: Buffer, audible: boolean, nowMs: number): void {
    const { sendPayloadType, packetSamples } = this.settings!;
    const { stream } = this;
    if (this.#active !== stream) this.#activate(stream);
    for (let at = 0; at < FRAME_SAMPLES; at += packetSamples) {
      let piece = packet;
      if (packetSamples < FRAME_SAMPLES) {
        piece = Buffer.allocUnsafe(RTP_HEADER_BYTES + packetSamples);
        packet.copy(piece, RTP_HEADER_BYTES, RTP_HEADER_BYTES + at, RTP_HEADER_BYTES + at + packetSamples);
      }
      stream.generate(nowMs);
      this.#finish(piece, RTP_HEADER_BYTES, piece.length, nowMs);
      this.sendNumbered(piece, sendPayloadType);
      stream.sent(packetSamples, packetSamples, nowMs);
    }
    if (audible) this.gap.sound(nowMs, FRAME_MS);
  }

  /** Sends a packet that `stream` has numbered already. */
  sendNumbered(packet: Buffer, payloadType: number): void {
    const { stream } = this;
    writeRtpHeader(packet, 0, stream.markerBit, payloadType, stream.sequence, stream.timestamp, stream.ssrc);
    if (this.#send(packet, 0, packet.length)) this.#context.counters.packetsGenerated++;
  }

  sendReport(nowMs: number, bye: boolean): void {
    const { settings } = this;
    const pair = this.#pair;
    if (!settings?.remoteRtp || !settings.remoteRtcp || !pair) return;
    const plain = this.rtcp.report(nowMs, this.#context.clock.wallMs(), bye);
    const report = this.#srtp.sender ? this.#srtp.sender.protectRtcp(plain) : plain;
    if (!report) return;
    const { latch } = this.#receiver;
    if (settings.rtcpMux) {
      pair.rtp.send(report, latch.sendPort, latch.sendAddress);
      return;
    }
    // A peer behind NAT is reached at its RTP address; RFC 4961 puts RTCP on the port above.
    const moved =
      latch.sendAddress !== settings.remoteRtp.address || latch.sendPort !== settings.remoteRtp.port;
    const port = moved ? Math.min(latch.sendPort + 1, 65_535) : settings.remoteRtcp.port;
    pair.rtcp.send(report, port, moved ? latch.sendAddress : settings.remoteRtcp.address);
  }

  /** Sends BYE where the party hears us, ends the recording, gives the sockets back. Idempotent. */
  close(nowMs: number, heard: boolean): void {
    if (this.#pair && heard) this.sendReport(nowMs, true);
    this.recording?.close(nowMs);
    this.#pair?.close();
    this.#pair = null;
  }

  #streamOf(kind: PayloadKind): OutgoingStream {
    return clockRateOf(kind) === WIDE_RATE ? this.#wide : this.stream;
  }

  /** Sends packet[head..end), encrypted where that was agreed; false where its number was sent before. */
  #send(packet: Buffer, head: number, end: number): boolean {
    const { latch } = this.#receiver;
    const { sender } = this.#srtp;
    if (sender) {
      const sealed = sender.protect(packet, head, end);
      if (!sealed) return false;
      this.#pair!.rtp.send(sealed, latch.sendPort, latch.sendAddress);
    } else if (head === 0 && end === packet.length) {
      this.#pair!.rtp.send(packet, latch.sendPort, latch.sendAddress);
    } else {
      this.#pair!.rtp.send(packet, head, end - head, latch.sendPort, latch.sendAddress);
    }
    return true;
  }

  /** What is sent from now on belongs to this stream. */
  #activate(stream: OutgoingStream): void {
    this.#active = stream;
    stream.switchSource();
    this.rtcp.use(stream);
  }

  /** The last that happens to audio before it goes out: the notice over it, and copies for those who want them. */
  #finish(packet: Buffer, start: number, end: number, nowMs: number): void {
    if (!this.recording && !this.#overhear && !this.notice.sounding) return;
    const { sendCodec } = this.settings!;
    this.notice.addTo(packet, start, end, sendCodec);
    const timestamp = this.stream.timestamp >>> 0;
    this.recording?.recorder.push('right', timestamp, packet, start, end, sendCodec, nowMs);
    this.#overhear?.(timestamp, packet, start, end, sendCodec);
  }
}
