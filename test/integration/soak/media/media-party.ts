import { parseRtcp, buildRtcp } from '../../../../src/rtp/rtcp.js';
import { rtpPayloadEnd, rtpPayloadStart } from '../../../../src/rtp/packet.js';
import type { Random } from '../../../../src/common/random.js';
import { ToneSender } from '../../../../src/media/worker/tone-sender.js';
import { eventPayload, rtp } from '../../media/phone.js';
import type { Beat } from './beat.js';
import type { Ledger } from './ledger.js';
import { Listening } from './listening.js';
import { MediaSocket } from './media-socket.js';
import {
  answerOf,
  keyBytes,
  offerOf,
  offeredTypes,
  rateOf,
  readRemote,
  type Direction,
  type Format,
  type Remote,
  type Traits,
} from './party-sdp.js';
import { SentLog } from './sent-log.js';
import type { Source } from './stream-check.js';
import { Voice, type Role } from './voice.js';

/** What the network between a party and the node does to its audio, as shares of its packets. */
export interface Network {
  readonly loss: number;
  readonly twice: number;
  readonly swapped: number;
}

export interface PartyOptions {
  readonly call: number;
  readonly role: Role;
  readonly traits: Traits;
  readonly network: Network;
  readonly random: Random;
  readonly beat: Beat;
  readonly ledger: Ledger;
  readonly sourceOf: (role: Role, wide: boolean) => Source | null;
}

/** A Hybrid fullband frame of 20 ms, alone in its packet (RFC 6716 3.1). */
const OPUS_TOC = 0x78;
const [NARROW_SAMPLES, WIDE_SAMPLES] = [160, 960];
const REPORT_FRAMES = 100;
const DIGITS = '0123456789*#ABCD';
/** 100 ms, and three times the end (RFC 4733 2.5.1.4). */
const EVENT_PACKETS = 8;
const DTMF_GAP_FRAMES = 4;

interface Stream {
  readonly log: SentLog;
  readonly ssrc: number;
  /** Timestamp of frame 0. */
  readonly base: number;
  sequence: number;
}

/** The media of one party of one call: it talks with its own voice all the time, and listens. */
export class MediaParty {
  readonly role: Role;
  readonly traits: Traits;
  readonly listening: Listening;
  readonly #options: PartyOptions;
  readonly #socket: MediaSocket;
  readonly #voice: Voice;
  readonly #key: Buffer | null;
  readonly #streams: Readonly<Record<'narrow' | 'wide', Stream>>;
  readonly #types = new Map<number, Format | 'event' | 'wideEvent'>();
  readonly #tones = new ToneSender();
  readonly #stop: () => void;
  #remote: Remote | null = null;
  #format: { readonly format: Format; readonly type: number } | null = null;
  #talking = false;
  #event: { readonly code: number; stream: Stream | null; timestamp: number; sent: number } | null = null;
  #heldBack: Buffer | null = null;
  #version = 1;
  #sent = 0;
  #closed = false;

  private constructor(options: PartyOptions, socket: MediaSocket) {
    const { call, role, traits, random, beat, ledger, sourceOf } = options;
    this.#options = options;
    this.role = role;
    this.traits = traits;
    this.#voice = new Voice(call, role);
    this.#key = traits.srtp ? Buffer.from(random.token(keyBytes(traits.srtp)), 'hex') : null;
    const listens = traits.digits === 'tones' ? 'tones' : 'packets';
    this.listening = new Listening(call, role, listens, sourceOf, ledger);
    // Close to their wraps, so that every stream turns over soon.
    const stream = (samples: number): Stream => ({
      log: new SentLog(),
      ssrc: Math.floor(random.fraction() * 2 ** 32),
      base: (2 ** 32 - Math.floor(random.fraction() * 1000 + beat.now) * samples) >>> 0,
      sequence: traits.srtp
        ? Math.floor(random.fraction() * 30_000)
        : 65_536 - Math.floor(random.fraction() * 900),
    });
    this.#streams = { narrow: stream(NARROW_SAMPLES), wide: stream(WIDE_SAMPLES) };
    this.#socket = socket;
    this.#stop = beat.add(this);
  }

  static async open(options: PartyOptions): Promise<MediaParty> {
    let party: MediaParty | null = null;
    const socket = await MediaSocket.open(options.traits.family, options.traits.srtp !== null, {
      onRtp: (packet, nowMs) => party?.hear(packet, nowMs),
      onRtcp: (packet) => party?.hearReport(packet),
      onStrange: (why) => options.ledger.count(`not opened: ${why}`),
    });
    party = new MediaParty(options, socket);
    return party;
  }

  get sentPackets(): number {
    return this.#sent;
  }
  get talking(): boolean {
    return this.#talking;
  }
  /** Where the node takes this party's RTP. */
  get target(): MediaSocket['target'] {
    return this.#socket.target;
  }
  /** Where it takes RTP itself. */
  get port(): number {
    return this.#socket.port;
  }

  source(wide: boolean): Source {
    const { log } = this.#streams[wide ? 'wide' : 'narrow'];
    return { log, duplicates: this.#options.network.twice > 0 };
  }

  offer(direction: Direction = 'sendrecv'): string {
    // Audio may be here before the answer.
    for (const [type, format] of offeredTypes(this.traits)) this.#types.set(type, format);
    return offerOf(this.traits, this.#place(direction));
  }

  /** Answers an offer of the node; null where it cannot be taken. */
  answer(sdp: string): string | null {
    const offer = readRemote(sdp);
    if (!offer) return null;
    const back: Readonly<Record<Direction, Direction>> = {
      sendrecv: 'sendrecv',
      sendonly: 'recvonly',
      recvonly: 'sendonly',
      inactive: 'inactive',
    };
    const answer = answerOf(this.traits, this.#place(back[offer.direction]), offer);
    if (answer !== null) this.agree(sdp);
    return answer;
  }

  /** Takes a description of the node: an answer, or an offer that is accepted. Talks from then on. */
  agree(sdp: string): void {
    const remote = readRemote(sdp);
    if (!remote) return;
    this.#remote = remote;
    for (const { format, type } of remote.formats) this.#types.set(type, format);
    for (const [rate, type] of remote.events) this.#types.set(type, rate === 8000 ? 'event' : 'wideEvent');
    this.#format =
      this.traits.formats.flatMap((format) => remote.formats.filter((one) => one.format === format))[0] ??
      null;
    this.#socket.agree(remote, this.traits.srtp, this.#key, this.traits.mux);
    this.#talking = remote.direction === 'sendrecv' || remote.direction === 'recvonly';
  }

  /** Says nothing more, on the network either. */
  silence(): void {
    this.#talking = false;
    if (this.#heldBack) this.#socket.send(this.#heldBack);
    this.#heldBack = null;
  }

  talkOn(): void {
    this.#talking = this.#format !== null;
  }

  /** A key is on its way. */
  get pressing(): boolean {
    return this.#event !== null || this.#tones.busy;
  }

  /** Presses a key, as an event or as tones; INFO is the affair of signalling. */
  press(digit: string): void {
    if (this.traits.digits === 'tones') this.#tones.enqueue(digit);
    else this.#event = { code: DIGITS.indexOf(digit), stream: null, timestamp: 0, sent: 0 };
  }

  hear(packet: Buffer, nowMs: number): void {
    if (this.#closed) return;
    const start = rtpPayloadStart(packet);
    if (start < 0) {
      this.#options.ledger.fault(`${this.listening.name} hears what is no RTP`);
      return;
    }
    const format = this.#types.get(packet[1]! & 0x7f);
    if (format === undefined) {
      this.#options.ledger.fault(
        `${this.listening.name} (${this.traits.formats.join(', ')}) hears payload type ${packet[1]! & 0x7f}`,
      );
      return;
    }
    this.listening.take(packet, start, rtpPayloadEnd(packet), format, nowMs);
  }

  hearReport(packet: Buffer): void {
    const parsed = parseRtcp(packet);
    if (!parsed) this.#options.ledger.fault(`${this.listening.name} hears RTCP that is none`);
    else this.listening.report(parsed.ssrc);
    this.#options.ledger.count('reports heard');
  }

  frame(number: number): void {
    const chosen = this.#format;
    if (!this.#talking || !chosen) return;
    const wide = chosen.format === 'opus';
    const stream = this.#streams[wide ? 'wide' : 'narrow'];
    const samples = wide ? WIDE_SAMPLES : NARROW_SAMPLES;
    const timestamp = (stream.base + number * samples) >>> 0;
    if (number % REPORT_FRAMES === stream.ssrc % REPORT_FRAMES) this.#report(stream, timestamp);
    if (this.#event && this.#sendEvent(stream, chosen.format, timestamp, samples)) return;
    const sequence = stream.sequence++ & 0xffff;
    const { format } = chosen;
    if (this.#tones.busy && (format === 'PCMA' || format === 'PCMU')) {
      const payload = Buffer.alloc(160);
      this.#tones.next(payload, 0, format);
      stream.log.note(sequence, 'other');
      this.#socket.send(rtp(chosen.type, sequence, timestamp, stream.ssrc, payload));
      return;
    }
    const voice = this.#voice.payload(sequence, timestamp, format === 'PCMU' ? 'PCMU' : 'PCMA');
    const payload = wide ? Buffer.concat([Buffer.from([OPUS_TOC]), voice]) : voice;
    this.#throw(stream, sequence, rtp(chosen.type, sequence, timestamp, stream.ssrc, payload));
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.listening.close();
    this.#socket.close();
  }

  /** Sends through the network that the party has. */
  #throw(stream: Stream, sequence: number, packet: Buffer): void {
    const { network, random, ledger } = this.#options;
    const luck = random.fraction();
    this.#sent++;
    if (luck < network.loss) {
      stream.log.note(sequence, 'withheld');
      ledger.count('lost on purpose');
    } else if (luck < network.loss + network.twice) {
      stream.log.note(sequence, 'audio');
      this.#socket.sendTwice(packet);
      ledger.count('sent twice');
    } else if (luck < network.loss + network.twice + network.swapped && !this.#heldBack) {
      stream.log.note(sequence, 'audio');
      this.#heldBack = packet;
      ledger.count('sent late');
      return;
    } else {
      stream.log.note(sequence, 'audio');
      this.#socket.send(packet);
    }
    if (!this.#heldBack) return;
    this.#socket.send(this.#heldBack);
    this.#heldBack = null;
  }

  /** False where the party cannot say it so. */
  #sendEvent(stream: Stream, format: Format, now: number, samples: number): boolean {
    const event = this.#event!;
    const type = this.#remote?.events.get(rateOf(format));
    if (type === undefined) {
      this.#event = null;
      this.#options.ledger.fault(`${this.listening.name} has no telephone-event for ${format}`);
      return false;
    }
    if (event.stream === null) {
      event.stream = stream;
      event.timestamp = now;
    }
    event.sent++;
    // The codec may have changed in the middle: what is left of the key belongs to the stream before.
    if (event.sent > EVENT_PACKETS || event.stream !== stream) {
      if (event.sent > EVENT_PACKETS + DTMF_GAP_FRAMES || event.stream !== stream) this.#event = null;
      return false;
    }
    const sequence = stream.sequence++ & 0xffff;
    stream.log.note(sequence, 'other');
    const end = event.sent > EVENT_PACKETS - 3;
    const payload = eventPayload(event.code, end, Math.min(event.sent, EVENT_PACKETS - 2) * samples);
    this.#socket.send(rtp(type, sequence, event.timestamp, stream.ssrc, payload, event.sent === 1));
    return true;
  }

  #report(stream: Stream, timestamp: number): void {
    const { received } = this.listening;
    this.#socket.sendReport(
      buildRtcp({
        ssrc: stream.ssrc,
        cname: 'soak',
        sender: {
          wallMs: Date.now(),
          rtpTimestamp: timestamp,
          packets: this.#sent,
          octets: this.#sent * 160,
        },
        block: received && {
          ssrc: received.ssrc,
          fractionLost: 0,
          cumulativeLost: 0,
          extendedHighestSequence: received.highest,
          jitter: 0,
          lastSenderReport: 0,
          delaySinceLastSenderReport: 0,
        },
        bye: false,
      }),
    );
  }

  #place(direction: Direction): {
    port: number;
    rtcpPort: number;
    version: number;
    direction: Direction;
    key: Buffer | null;
  } {
    const { port, rtcpPort } = this.#socket;
    return { port, rtcpPort, version: this.#version++, direction, key: this.#key };
  }
}
