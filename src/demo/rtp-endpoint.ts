import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { realClock, type Clock, type Timer } from '../common/clock.js';
import { silence, type AudioSource } from './audio/audio-source.js';
import { decodeG711, encodeG711, type G711Law } from './audio/g711.js';
import { Hearing } from './audio/hearing.js';
import { RtpContinuity, type ContinuityReport } from './rtp-continuity.js';
import { readRtp } from './rtp-reader.js';
import { decodeTelephoneEvent, encodeTelephoneEvent } from './telephone-event.js';

const PACKET_MS = 20;
const PACKET_SAMPLES = 160;
/** Behind by more than this (a stopped process), the schedule restarts instead of sending a burst. */
const LARGEST_CATCH_UP_MS = 200;
/** RFC 4733 section 2.5.1.4: the final packet is sent three times. */
const END_PACKETS = 3;
const PAYLOAD_TYPES: Readonly<Record<G711Law, number>> = { PCMU: 0, PCMA: 8 };

/** Where and how to send, as negotiated. */
export interface RtpTarget {
  readonly host: string;
  readonly port: number;
  readonly codec: G711Law;
  /** Payload type of telephone-event; null where the peer does not take it. */
  readonly telephoneEventType: number | null;
  readonly sending: boolean;
}

export interface RtpStats extends ContinuityReport {
  readonly sent: number;
  readonly received: number;
  readonly rtcp: number;
  readonly malformed: number;
  /** Where the newest packet came from, `address:port`; null before the first. */
  readonly from: string | null;
}

interface DtmfStep {
  readonly payload: Buffer | null;
  readonly first: boolean;
  readonly last: boolean;
}

/**
 * One RTP socket of a user agent: sends its source at 20 ms pacing, analyses what arrives, sends and receives
 * RFC 4733 digits. Opened by `open`, closed for good by `close`.
 */
export class RtpEndpoint {
  readonly hearing: Hearing;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #socket: Socket;
  readonly #continuity = new RtpContinuity();
  readonly #ssrc = randomInt(2 ** 32);
  readonly #digitListeners = new Set<(digit: string) => void>();
  readonly #dtmf: DtmfStep[] = [];
  readonly #pressed: { afterSteps: number; resolve: () => void; reject: (error: Error) => void }[] = [];
  #opening: Promise<number> | null = null;
  #source: AudioSource;
  #target: RtpTarget | null = null;
  #sequence = randomInt(2 ** 16);
  #timestamp = randomInt(2 ** 32);
  #eventTimestamp = 0;
  #nextMs = 0;
  #timer: Timer | null = null;
  #talking = false;
  #lastEventTimestamp: number | null = null;
  #sent = 0;
  #received = 0;
  #rtcp = 0;
  #malformed = 0;
  #from: string | null = null;
  #closed = false;

  constructor(options: { host: string; source?: AudioSource; clock?: Clock }) {
    this.#clock = options.clock ?? realClock;
    this.#host = options.host;
    this.#source = options.source ?? silence;
    this.hearing = new Hearing(this.#clock);
    this.#socket = createSocket('udp4');
    this.#socket.on('message', (datagram, { address, port }) => {
      this.#from = `${address}:${port}`;
      this.#receive(datagram);
    });
    // A peer that has gone answers with ICMP; the call's signalling tells what became of it.
    this.#socket.on('error', () => {
      this.#malformed++;
    });
  }

  /** Binds a free port and resolves with it. Idempotent. */
  open(): Promise<number> {
    this.#opening ??= new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind(0, this.#host, () => {
        this.#socket.off('error', reject);
        resolve(this.#socket.address().port);
      });
    });
    return this.#opening;
  }

  /** Starts, redirects, or (with `sending` false, or null) stops the outgoing stream. */
  sendTo(target: RtpTarget | null): void {
    this.#target = target;
    if (this.#closed) return;
    if (target?.sending !== true) {
      this.#timer?.cancel();
      this.#timer = null;
      this.#talking = false;
    } else if (this.#timer === null) {
      this.#nextMs = this.#clock.now();
      this.#tick();
    }
  }

  /** What is sent from the next packet on. */
  play(source: AudioSource): void {
    this.#source = source;
  }

  /**
   * Presses DTMF digits one after another (each `toneMs` long, 60 ms apart). Resolves when the last one was
   * sent; rejects where the peer takes no telephone-event.
   */
  press(digits: string, toneMs = 100): Promise<void> {
    if ((this.#target?.telephoneEventType ?? null) === null) {
      return Promise.reject(new Error('the peer has not negotiated telephone-event'));
    }
    const packets = Math.max(2, Math.round(toneMs / PACKET_MS));
    for (const digit of digits) {
      for (let i = 1; i <= packets + END_PACKETS - 1; i++) {
        const end = i >= packets;
        const duration = Math.min(i, packets) * PACKET_SAMPLES;
        const payload = encodeTelephoneEvent({ digit, end, duration });
        this.#dtmf.push({ payload, first: i === 1, last: i === packets + END_PACKETS - 1 });
      }
      for (let i = 0; i < 3; i++) this.#dtmf.push({ payload: null, first: false, last: false });
    }
    return new Promise((resolve, reject) => {
      if (this.#closed) reject(new Error('the media session ended'));
      else this.#pressed.push({ afterSteps: this.#dtmf.length, resolve, reject });
    });
  }

  /** Calls back with each received digit, once per press. Returns how to stop. */
  onDigit(listener: (digit: string) => void): () => void {
    this.#digitListeners.add(listener);
    return () => void this.#digitListeners.delete(listener);
  }

  stats(): RtpStats {
    return {
      ...this.#continuity.report(),
      sent: this.#sent,
      received: this.#received,
      rtcp: this.#rtcp,
      malformed: this.#malformed,
      from: this.#from,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.hearing.close();
    for (const press of this.#pressed.splice(0)) press.reject(new Error('the media session ended'));
    const close = (): void => void this.#socket.close();
    if (this.#opening === null) close();
    else this.#opening.then(close, close);
  }

  #tick(): void {
    const now = this.#clock.now();
    if (now - this.#nextMs > LARGEST_CATCH_UP_MS) {
      const skipped = Math.floor((now - this.#nextMs) / PACKET_MS);
      this.#nextMs += skipped * PACKET_MS;
      this.#timestamp = (this.#timestamp + skipped * PACKET_SAMPLES) >>> 0;
      this.#talking = false;
    }
    while (this.#nextMs <= now) {
      this.#sendPacket();
      this.#nextMs += PACKET_MS;
    }
    this.#timer = this.#clock.after(Math.max(1, this.#nextMs - this.#clock.now()), () => {
      this.#tick();
    });
  }

  #sendPacket(): void {
    const target = this.#target;
    if (target === null) return;
    const step = this.#dtmf.shift();
    if (step !== undefined && step.payload !== null && target.telephoneEventType !== null) {
      if (step.first) this.#eventTimestamp = this.#timestamp;
      this.#transmit(target, target.telephoneEventType, step.first, this.#eventTimestamp, step.payload);
      if (step.last) this.#talking = false;
    } else {
      const samples = new Int16Array(PACKET_SAMPLES);
      this.#source.fill(samples);
      const payload = encodeG711(target.codec, samples);
      this.#transmit(target, PAYLOAD_TYPES[target.codec], !this.#talking, this.#timestamp, payload);
      this.#talking = true;
    }
    this.#timestamp = (this.#timestamp + PACKET_SAMPLES) >>> 0;
    if (step !== undefined) this.#countPressed();
  }

  #countPressed(): void {
    for (const press of this.#pressed) press.afterSteps--;
    while (this.#pressed[0] !== undefined && this.#pressed[0].afterSteps <= 0)
      this.#pressed.shift()!.resolve();
  }

  #transmit(
    target: RtpTarget,
    payloadType: number,
    marker: boolean,
    timestamp: number,
    payload: Buffer,
  ): void {
    const header = Buffer.allocUnsafe(12);
    header.writeUInt8(0x80, 0);
    header.writeUInt8((marker ? 0x80 : 0) | payloadType, 1);
    header.writeUInt16BE(this.#sequence, 2);
    header.writeUInt32BE(timestamp, 4);
    header.writeUInt32BE(this.#ssrc, 8);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#sent++;
    this.#socket.send(Buffer.concat([header, payload]), target.port, target.host);
  }

  #receive(datagram: Buffer): void {
    const reading = readRtp(datagram);
    if (reading.kind !== 'rtp') {
      if (reading.kind === 'rtcp') this.#rtcp++;
      else this.#malformed++;
      return;
    }
    this.#received++;
    const { packet } = reading;
    const codec = packet.payloadType === 0 ? 'PCMU' : packet.payloadType === 8 ? 'PCMA' : null;
    this.#continuity.receive({
      sequenceNumber: packet.sequenceNumber,
      timestamp: packet.timestamp,
      ssrc: packet.ssrc,
      marker: packet.marker === 1,
      samples: codec === null ? 0 : packet.payload.length,
    });
    if (codec !== null) this.hearing.receive(decodeG711(codec, packet.payload));
    else if (packet.payloadType === this.#target?.telephoneEventType) this.#receiveEvent(packet);
  }

  /** All packets of one press carry one timestamp, which tells a repeat from a new press. */
  #receiveEvent(packet: { timestamp: number; payload: Buffer }): void {
    const event = decodeTelephoneEvent(packet.payload);
    if (event === null || packet.timestamp === this.#lastEventTimestamp) return;
    this.#lastEventTimestamp = packet.timestamp;
    for (const listener of [...this.#digitListeners]) listener(event.digit);
  }
}
