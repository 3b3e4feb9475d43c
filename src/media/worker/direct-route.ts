import type { Socket } from 'node:dgram';
import { RTP_HEADER_BYTES, writeRtpHeader } from '../../rtp/packet.js';
import type { WorkerCounters } from './endpoint-context.js';
import type { GapMeter } from './gap-meter.js';
import type { Latch } from './latch.js';
import type { OutgoingStream } from './outgoing-stream.js';

/** Of G.711. */
const SAMPLES_PER_MS = 8;

/** What a packet needs on its way out, gathered from the sender of the party that hears it. */
export interface DirectRouteOptions {
  readonly socket: Socket;
  readonly latch: Latch;
  readonly stream: OutgoingStream;
  readonly gap: GapMeter;
  readonly counters: WorkerCounters;
  /** Under which the party takes the codec. */
  readonly payloadType: number;
}

/**
 * The short way of G.711 from one party to the only one that hears it, for as long as nothing else is to be done
 * to a packet than to renumber it: no SRTP, recording, translation, or sound of our own. All such questions were
 * answered when the route was made; whoever changes an answer closes it, and the next packet goes the long way,
 * which makes a new one. What is counted and numbered is the same either way.
 */
export class DirectRoute {
  #open = true;
  readonly #socket: Socket;
  readonly #latch: Latch;
  readonly #stream: OutgoingStream;
  readonly #gap: GapMeter;
  readonly #counters: WorkerCounters;
  readonly #payloadType: number;

  constructor(options: DirectRouteOptions) {
    this.#socket = options.socket;
    this.#latch = options.latch;
    this.#stream = options.stream;
    this.#gap = options.gap;
    this.#counters = options.counters;
    this.#payloadType = options.payloadType;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Idempotent. */
  close(): void {
    this.#open = false;
  }

  /** Sends a packet with a plain header of 12 bytes, rewritten in place. */
  relay(packet: Buffer, ssrc: number, sequence: number, timestamp: number, nowMs: number): void {
    const stream = this.#stream;
    if (!stream.relay(ssrc, sequence, timestamp, packet[1]! & 0x80, true, nowMs)) return;
    writeRtpHeader(
      packet,
      0,
      stream.markerBit,
      this.#payloadType,
      stream.sequence,
      stream.timestamp,
      stream.ssrc,
    );
    const latch = this.#latch;
    this.#socket.send(packet, latch.sendPort, latch.sendAddress);
    const samples = packet.length - RTP_HEADER_BYTES;
    stream.sent(samples, samples, nowMs);
    this.#gap.sound(nowMs, samples / SAMPLES_PER_MS);
    this.#counters.packetsRelayed++;
  }
}
