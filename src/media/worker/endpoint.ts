import type { RemoteInfo } from 'node:dgram';
import type { LegMediaStats, MediaEvent } from '../../call/media-port.js';
import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { Random } from '../../common/random.js';
import { ALAW_TO_ULAW, ULAW_TO_ALAW, translateInPlace } from '../../rtp/g711.js';
import {
  RTP_FAULTS,
  RTP_HEADER_BYTES,
  looksLikeRtcp,
  rtpPayloadEnd,
  rtpPayloadStart,
  rtpSequence,
  rtpSsrc,
  rtpTimestamp,
  writeRtpHeader,
  type RtpFault,
} from '../../rtp/packet.js';
import { SourceStatistics } from '../../rtp/source-statistics.js';
import { TELEPHONE_EVENT_BYTES, TelephoneEventDetector } from '../../rtp/telephone-event.js';
import { FRAME_SAMPLES, PromptPlayer, SILENCE, type PromptAudio } from '../prompt/prompt-audio.js';
import type { StreamSettings } from '../worker-messages.js';
import { DtmfSender } from './dtmf-sender.js';
import { GapMeter } from './gap-meter.js';
import { Latch } from './latch.js';
import { Mixer } from './mixer.js';
import { OutgoingStream } from './outgoing-stream.js';
import type { Paced, Pacer } from './pacer.js';
import { PayloadTypeTable, type PayloadKind } from './payload-type-table.js';
import { RtcpSession } from './rtcp-session.js';
import { SilenceWatch } from './silence-watch.js';
import type { SocketPair } from './socket-pair-stock.js';

const CLOCK_RATE = 8000;
const FRAME_MS = 20;
const SAMPLES_PER_MS = 8;
/** While a party that is to be heard has sent nothing yet, the prompt before goes on for so long. */
const FILL_MS = 2000;
/** A party that is joined to another hears nothing for so long before silence packets fill in for a mute one. */
const SILENCE_AFTER_MS = 200;
/** A live source so long silent is filled in with silence packets, so that nobody's media timer fires. */
const STALL_MS = 1000;

/** Counters of a worker, shared by its endpoints. */
export interface WorkerCounters {
  packetsReceived: number;
  packetsRelayed: number;
  packetsGenerated: number;
  packetsRejected: number;
}

export interface EndpointContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly pacer: Pacer;
  readonly counters: WorkerCounters;
  readonly log: Logger;
}

type Hearing =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'mix'; readonly mixer: Mixer }
  | { readonly kind: 'prompt'; readonly player: PromptPlayer; readonly onEnd: (() => void) | null }
  /** `live` once a packet of the other leg came; until then the filler is heard. */
  | {
      readonly kind: 'leg';
      live: boolean;
      readonly filler: PromptPlayer;
      readonly fillUntilMs: number;
      readonly silentUntilMs: number;
    };

/** The RTP of one leg: takes what its party sends, and sends what its party is to hear. */
export class Endpoint implements Paced {
  readonly legId: string;
  readonly callId: string;
  /** Who hears this party; replaced, never changed in place. */
  listeners: readonly Endpoint[] = [];
  readonly #context: EndpointContext;
  readonly #emit: (event: MediaEvent) => void;
  readonly #latch: Latch;
  readonly #received = new SourceStatistics(CLOCK_RATE);
  readonly #stream: OutgoingStream;
  readonly #rtcp: RtcpSession;
  readonly #gap = new GapMeter();
  readonly #watch = new SilenceWatch();
  readonly #dtmf: DtmfSender;
  readonly #events: TelephoneEventDetector;
  readonly #types = new PayloadTypeTable();
  #silence = new PromptPlayer(SILENCE, true);
  #hearing: Hearing = { kind: 'nothing' };
  #pair: SocketPair | null = null;
  #settings: StreamSettings | null = null;
  #canSend = false;
  #octetsReceived = 0;
  #rejected = 0;
  #faultLogged = false;
  #closed = false;

  constructor(
    callId: string,
    legId: string,
    symmetricRtp: boolean,
    context: EndpointContext,
    emit: (event: MediaEvent) => void,
  ) {
    this.callId = callId;
    this.legId = legId;
    this.#context = context;
    this.#emit = emit;
    this.#latch = new Latch(symmetricRtp);
    this.#stream = new OutgoingStream(context.random);
    this.#rtcp = new RtcpSession(this.#stream, this.#received, context.random);
    this.#dtmf = new DtmfSender(this.#stream);
    this.#events = new TelephoneEventDetector(CLOCK_RATE, (digit, durationMs) => {
      this.#emit({ kind: 'dtmf', legId, digit, durationMs });
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes the bound sockets; from here on the endpoint owns them. */
  attach(pair: SocketPair): void {
    this.#pair = pair;
    this.#updateSending();
  }

  configure(settings: StreamSettings): void {
    const nowMs = this.#context.clock.now();
    this.#settings = settings;
    this.#types.set(settings);
    if (settings.remoteRtp) this.#latch.signal(settings.remoteRtp, nowMs);
    this.#watch.setExpecting(settings.mayReceive, nowMs);
    this.#gap.setReceiving(settings.maySend && settings.remoteRtp !== null, nowMs);
    this.#rtcp.start(nowMs);
    this.#updateSending();
  }

  /** Plays a prompt from now on. `onEnd` is called when one that does not loop has been sent whole. */
  hearPrompt(audio: PromptAudio, loops: boolean, onEnd: (() => void) | null): void {
    const hearing = this.#hearing;
    if (loops && hearing.kind === 'prompt' && hearing.player.loops && hearing.player.audio === audio) return;
    this.#hearing = { kind: 'prompt', player: new PromptPlayer(audio, loops), onEnd };
    this.#stream.switchSource();
    this.#pace();
  }

  hearSilence(): void {
    this.hearPrompt(SILENCE, true, null);
  }

  /** Hears another leg. Until its first packet the looping prompt before goes on, else silence. */
  hearLeg(): void {
    const before = this.#hearing;
    let filler = this.#silence;
    if (before.kind === 'prompt' && before.player.loops) filler = before.player;
    if (before.kind === 'leg' && !before.live) filler = before.filler;
    const nowMs = this.#context.clock.now();
    const [fillUntilMs, silentUntilMs] = [nowMs + FILL_MS, nowMs + SILENCE_AFTER_MS];
    this.#hearing = { kind: 'leg', live: false, filler, fillUntilMs, silentUntilMs };
    this.#pace();
  }

  /** Hears several legs at once, mixed frame by frame. */
  hearMix(legIds: readonly string[]): void {
    const before = this.#hearing;
    this.#hearing = { kind: 'mix', mixer: new Mixer(legIds, before.kind === 'mix' ? before.mixer : null) };
    if (before.kind !== 'mix') this.#stream.switchSource();
    this.#pace();
  }

  sendDtmf(digits: string): void {
    if (this.#settings && this.#settings.sendEventPayloadType === null) {
      this.#context.log.warn({ legId: this.legId, digits }, 'the party takes no telephone-event; not sent');
      return;
    }
    this.#dtmf.enqueue(digits);
    if (this.#dtmf.busy) this.#pace();
  }

  watch(timeoutMs: number): void {
    this.#watch.start(timeoutMs, this.#context.clock.now());
  }

  startGap(): void {
    this.#gap.start(this.#context.clock.now());
  }

  stopGap(): number {
    return this.#gap.stop(this.#context.clock.now());
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
    const nowMs = this.#context.clock.now();
    const verdict = this.#latch.judge(from.address, from.port, nowMs);
    if (verdict !== 'accept') {
      if (verdict === 'reject') this.#reject('from a stranger', from);
      return;
    }
    if (!settings.mayReceive) return;
    this.#take(packet, start, kind, nowMs);
  };

  /** A datagram on the RTCP socket. */
  readonly onRtcp = (packet: Buffer, from: RemoteInfo): void => {
    const known = from.address === this.#latch.lockedAddress || from.address === this.#latch.sendAddress;
    if (!known || !this.#rtcp.take(packet, this.#context.clock.now())) {
      this.#reject(known ? 'not RTCP' : 'RTCP from a stranger', from);
    }
  };

  readonly onSocketError = (error: Error): void => {
    this.#logOnce({ error: error.message }, 'cannot send');
  };

  #take(packet: Buffer, start: number, kind: PayloadKind, nowMs: number): void {
    const end = rtpPayloadEnd(packet);
    const ssrc = rtpSsrc(packet);
    const sequence = rtpSequence(packet);
    const timestamp = rtpTimestamp(packet);
    this.#received.update(ssrc, sequence, timestamp, nowMs, kind !== 'event');
    this.#octetsReceived += end - start;
    this.#context.counters.packetsReceived++;
    this.#watch.heard(nowMs);
    if (kind === 'event') this.#events.push(ssrc, timestamp, packet, start, end, nowMs);
    const listeners = this.listeners;
    const last = listeners.length - 1;
    for (let i = 0; i <= last; i++) {
      // Each listener rewrites the packet in place; all but the last get a copy.
      const own = i === last ? packet : Buffer.from(packet);
      listeners[i]!.relay(this.legId, own, start, end, kind, ssrc, sequence, timestamp, nowMs);
    }
  }

  /** Sends this party a packet of the leg that it hears. The packet is rewritten in place. */
  relay(
    legId: string,
    packet: Buffer,
    start: number,
    end: number,
    kind: PayloadKind,
    ssrc: number,
    sequence: number,
    timestamp: number,
    nowMs: number,
  ): void {
    const hearing = this.#hearing;
    if (hearing.kind === 'mix') {
      if (kind === 'PCMU' || kind === 'PCMA') hearing.mixer.push(legId, timestamp, packet, start, end, kind);
      return;
    }
    if (hearing.kind !== 'leg' || !this.#canSend) return;
    const settings = this.#settings!;
    const stream = this.#stream;
    const isEvent = kind === 'event';
    const payloadType = isEvent ? settings.sendEventPayloadType : settings.sendPayloadType;
    if (kind === 'dropped' || payloadType === null || end === start) {
      stream.skipRelayed(ssrc, sequence);
      return;
    }
    if (this.#dtmf.sounding) return;
    if (!hearing.live) {
      hearing.live = true;
      stream.switchSource();
    }
    if (!stream.relay(ssrc, sequence, timestamp, packet[1]! & 0x80, !isEvent, nowMs)) return;
    let samples = end - start;
    if (isEvent) {
      samples = samples >= TELEPHONE_EVENT_BYTES ? (packet[start + 2]! << 8) | packet[start + 3]! : 0;
    } else if (kind !== settings.sendCodec) {
      translateInPlace(packet, start, end, kind === 'PCMU' ? ULAW_TO_ALAW : ALAW_TO_ULAW);
    }
    // CSRCs, extension and padding of the source end here: the header moves up to the payload.
    const head = start - RTP_HEADER_BYTES;
    writeRtpHeader(
      packet,
      head,
      stream.markerBit,
      payloadType,
      stream.sequence,
      stream.timestamp,
      stream.ssrc,
    );
    if (head === 0 && end === packet.length) {
      this.#pair!.rtp.send(packet, this.#latch.sendPort, this.#latch.sendAddress);
    } else {
      this.#pair!.rtp.send(packet, head, end - head, this.#latch.sendPort, this.#latch.sendAddress);
    }
    stream.sent(end - start, samples, nowMs);
    this.#gap.sound(nowMs, isEvent ? FRAME_MS : samples / SAMPLES_PER_MS);
    this.#context.counters.packetsRelayed++;
  }

  tick(nowMs: number): boolean {
    const hearing = this.#hearing;
    if (this.#dtmf.busy && this.#canSend && this.#sendEvent(nowMs)) return true;
    if (hearing.kind === 'prompt') {
      this.#playFrame(hearing.player, nowMs);
      if (hearing.player.ended) {
        this.#hearing = { kind: 'prompt', player: this.#silence, onEnd: null };
        hearing.onEnd?.();
      }
      return true;
    }
    if (hearing.kind === 'mix') {
      this.#mixFrame(hearing.mixer, nowMs);
      return true;
    }
    if (hearing.kind === 'leg' && !hearing.live) {
      const filler = nowMs < hearing.fillUntilMs ? hearing.filler : this.#silence;
      // Most parties speak at once: no silence is made for them. `check` comes back to those that do not.
      if (!filler.audio.audible && nowMs < hearing.silentUntilMs) return this.#dtmf.busy;
      this.#playFrame(filler, nowMs);
      return true;
    }
    return this.#dtmf.busy;
  }

  /** Regular checks, several times a second. */
  check(nowMs: number): void {
    if (this.#events.open) this.#events.expire(nowMs);
    const silentMs = this.#watch.check(nowMs);
    if (silentMs > 0) this.#emit({ kind: 'mediaTimeout', legId: this.legId, silentMs });
    const hearing = this.#hearing;
    if (hearing.kind === 'leg' && hearing.live && nowMs - this.#stream.lastAtMs > STALL_MS) {
      const filler = this.#silence;
      this.#hearing = { kind: 'leg', live: false, filler, fillUntilMs: nowMs, silentUntilMs: nowMs };
      this.#stream.switchSource();
    }
    this.#pace();
    if (this.#rtcp.isDue(nowMs)) this.#sendReport(nowMs, false);
  }

  /** Sends BYE, frees the sockets; the figures of the leg. Idempotent. */
  close(): LegMediaStats {
    if (!this.#closed) {
      this.#closed = true;
      if (this.#settings) this.#sendReport(this.#context.clock.now(), true);
      this.#context.pacer.remove(this);
      this.#pair?.close();
      this.#pair = null;
      this.#canSend = false;
      this.#dtmf.clear();
      this.listeners = [];
    }
    return {
      packetsReceived: this.#received.received,
      packetsSent: this.#stream.packets,
      bytesReceived: this.#octetsReceived,
      bytesSent: this.#stream.octets,
      packetsLost: this.#received.lost,
      jitterMs: Math.round(this.#received.jitterMs * 100) / 100,
      packetsRejected: this.#rejected,
    };
  }

  #updateSending(): void {
    const settings = this.#settings;
    const before = this.#canSend;
    this.#canSend =
      this.#pair !== null && settings !== null && settings.maySend && settings.remoteRtp !== null;
    if (before || !this.#canSend) return;
    // What the source sent meanwhile must not show as loss.
    this.#stream.switchSource();
    this.#pace();
  }

  #pace(): void {
    const hearing = this.#hearing;
    const generated = hearing.kind === 'prompt' || hearing.kind === 'mix';
    const needed = generated || (hearing.kind === 'leg' && !hearing.live) || this.#dtmf.busy;
    if (needed && !this.#closed) this.#context.pacer.add(this, this.#stream.lastAtMs + FRAME_MS);
  }

  #sendEvent(nowMs: number): boolean {
    const payloadType = this.#settings!.sendEventPayloadType;
    if (payloadType === null) {
      this.#dtmf.clear();
      return false;
    }
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + TELEPHONE_EVENT_BYTES);
    if (!this.#dtmf.next(packet, RTP_HEADER_BYTES, nowMs)) return false;
    this.#sendGenerated(packet, payloadType);
    this.#dtmf.sent(nowMs);
    return true;
  }

  #playFrame(player: PromptPlayer, nowMs: number): void {
    if (!this.#canSend) {
      player.skip();
      return;
    }
    const settings = this.#settings!;
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + FRAME_SAMPLES);
    player.next(packet, RTP_HEADER_BYTES, settings.sendCodec);
    this.#stream.generate(nowMs);
    this.#sendGenerated(packet, settings.sendPayloadType);
    this.#stream.sent(FRAME_SAMPLES, FRAME_SAMPLES, nowMs);
    if (player.audio.audible) this.#gap.sound(nowMs, FRAME_MS);
  }

  /** The parties are read on even while nothing may be sent, so that they are in time afterwards. */
  #mixFrame(mixer: Mixer, nowMs: number): void {
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + FRAME_SAMPLES);
    const settings = this.#settings;
    const heard = mixer.next(packet, RTP_HEADER_BYTES, settings?.sendCodec ?? 'PCMU');
    if (!this.#canSend || !settings) return;
    this.#stream.generate(nowMs);
    this.#sendGenerated(packet, settings.sendPayloadType);
    this.#stream.sent(FRAME_SAMPLES, FRAME_SAMPLES, nowMs);
    if (heard) this.#gap.sound(nowMs, FRAME_MS);
  }

  #sendGenerated(packet: Buffer, payloadType: number): void {
    const stream = this.#stream;
    writeRtpHeader(packet, 0, stream.markerBit, payloadType, stream.sequence, stream.timestamp, stream.ssrc);
    this.#pair!.rtp.send(packet, this.#latch.sendPort, this.#latch.sendAddress);
    this.#context.counters.packetsGenerated++;
  }

  #sendReport(nowMs: number, bye: boolean): void {
    const settings = this.#settings;
    const pair = this.#pair;
    if (!settings?.remoteRtp || !settings.remoteRtcp || !pair) return;
    const report = this.#rtcp.report(nowMs, this.#context.clock.wallMs(), bye);
    const latch = this.#latch;
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

  #reject(why: string, from: RemoteInfo): void {
    this.#rejected++;
    this.#context.counters.packetsRejected++;
    this.#logOnce({ why, from: `${from.address}:${from.port}` }, 'packet dropped');
  }

  /** One line per leg: what follows is only counted. */
  #logOnce(detail: object, message: string): void {
    if (this.#faultLogged) return;
    this.#faultLogged = true;
    this.#context.log.info({ callId: this.callId, legId: this.legId, ...detail }, message);
  }
}
