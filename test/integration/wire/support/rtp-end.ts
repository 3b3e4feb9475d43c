import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { encodeG711 } from '../../../../src/rtp/g711.js';
import { buildRtcp } from '../../../../src/rtp/rtcp.js';
import { toneSamples } from '../../../../src/rtp/tone.js';
import { freeMediaPort } from '../../../support/free-ports.js';
import { eventPayload, rtp } from '../../media/phone.js';

const FRAME = 160;
const FRAME_MS = 20;
/** The tones have whole periods in this many frames: multiples of 6.25 Hz. */
const FRAMES = 8;
const AMPLITUDE = 6000;
const EVENT = 101;

/** A datagram as it came. */
export interface Arrived {
  readonly packet: Buffer;
  readonly atMs: number;
  readonly from: number;
}

type Law = 'PCMA' | 'PCMU';

/** The RTP and RTCP sockets of a party that speaks a tone; keeps everything that comes. */
export class RtpEnd {
  readonly port: number;
  readonly ssrc: number;
  readonly rtp: Arrived[] = [];
  readonly rtcp: Arrived[] = [];
  /** Where it speaks to; 0 for nowhere. */
  to = 0;
  sequence = 65_400;
  timestamp = 4_294_960_000;
  readonly #socket: Socket;
  readonly #control: Socket;
  readonly #law: Law;
  #codes: Buffer;
  /** Audio in place of the tone, frame by frame. */
  #queue: Buffer[] = [];
  #timer: NodeJS.Timeout | null = null;
  #startedAtMs = 0;
  #frames = 0;
  #packets = 0;
  /** Events that are due, one payload per frame. */
  #keys: Buffer[] = [];
  #closed = false;

  private constructor(socket: Socket, control: Socket, hz: number, law: Law, ssrc: number) {
    this.#socket = socket;
    this.#control = control;
    this.port = socket.address().port;
    this.ssrc = ssrc;
    this.#law = law;
    this.#codes = codesOf(hz, law);
    const keep =
      (into: Arrived[]) =>
      (packet: Buffer, from: RemoteInfo): void => {
        into.push({ packet, atMs: performance.now(), from: from.port });
      };
    socket.on('message', keep(this.rtp));
    control.on('message', keep(this.rtcp));
  }

  static async open(hz: number, law: Law = 'PCMA'): Promise<RtpEnd> {
    const port = await freeMediaPort();
    const [socket, control] = [createSocket('udp4'), createSocket('udp4')];
    socket.bind(port, '127.0.0.1');
    control.bind(port + 1, '127.0.0.1');
    await Promise.all([once(socket, 'listening'), once(control, 'listening')]);
    return new RtpEnd(socket, control, hz, law, 0x1000_0000 + Math.floor(Math.random() * 2 ** 28));
  }

  /** Speaks from now on, on a clock of its own: a late timer sends what it owes. */
  speak(to: number, hz?: number): void {
    if (hz !== undefined) this.#codes = codesOf(hz, this.#law);
    this.to = to;
    if (this.#timer) return;
    this.#startedAtMs = performance.now();
    this.#frames = 0;
    this.#timer = setInterval(() => this.#owed(), FRAME_MS);
  }

  hush(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Presses a key by RFC 4733: `frames` updates and three ends in the place of audio. */
  press(event: number, frames = 5): void {
    for (let frame = 1; frame <= frames + 3; frame++)
      this.#keys.push(eventPayload(event, frame > frames, Math.min(frame, frames + 1) * FRAME));
    // Behind it there is audio before the next one.
    this.#keys.push(Buffer.alloc(0));
  }

  /** Audio of its own in place of the tone: frames of 160 codes. */
  say(frames: readonly Buffer[]): void {
    this.#queue.push(...frames);
  }

  /** Every press, and all that it was to say, has been sent. */
  get idle(): boolean {
    return this.#keys.length === 0 && this.#queue.length === 0;
  }

  get audioType(): number {
    return this.#law === 'PCMA' ? 8 : 0;
  }

  /** A sender report by hand, as a phone sends one every few seconds. */
  report(): void {
    const sender = {
      wallMs: Date.now(),
      rtpTimestamp: this.timestamp,
      packets: this.#packets,
      octets: this.#packets * FRAME,
    };
    const report = buildRtcp({ ssrc: this.ssrc, cname: 'phone', sender, block: null, bye: false });
    this.#control.send(report, this.to + 1, '127.0.0.1');
  }

  /** Any datagram, from the RTP socket or the RTCP one. */
  raw(packet: Buffer, to = this.to, by: 'rtp' | 'rtcp' = 'rtp'): void {
    (by === 'rtp' ? this.#socket : this.#control).send(packet, to, '127.0.0.1');
  }

  /** `direction` is from its side; `port` another one than its own where something stands between. */
  sdp(direction = 'sendrecv', version = 1, port = this.port, extra: readonly string[] = []): string {
    return [
      'v=0',
      `o=phone ${this.ssrc} ${version} IN IP4 127.0.0.1`,
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${port} RTP/AVP ${this.audioType} 101`,
      `a=rtpmap:${this.audioType} ${this.#law}/8000`,
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      ...extra,
      `a=${direction}`,
      '',
    ].join('\r\n');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.hush();
    this.#socket.close();
    this.#control.close();
  }

  #owed(): void {
    const due = Math.floor((performance.now() - this.#startedAtMs) / FRAME_MS);
    // What a stopped process owes beyond a tenth of a second is not spoken.
    if (due - this.#frames > 5) this.#startedAtMs += (due - this.#frames - 5) * FRAME_MS;
    const until = Math.floor((performance.now() - this.#startedAtMs) / FRAME_MS);
    while (this.#frames < until) this.#frame(this.#frames++);
  }

  #frame(frame: number): void {
    const key = this.#keys[0];
    if (key?.length === 0) this.#keys.shift();
    if (key && key.length > 0) {
      this.#keys.shift();
      const first = (key[2]! << 8) + key[3]! === FRAME;
      this.#socket.send(
        rtp(EVENT, this.sequence, this.timestamp, this.ssrc, key, first),
        this.to,
        '127.0.0.1',
      );
      this.sequence = (this.sequence + 1) & 0xffff;
      const next = this.#keys[0];
      // All packets of an event have the timestamp at which it began.
      if (!next || next.length === 0) this.timestamp = (this.timestamp + 8 * FRAME) >>> 0;
    } else {
      const at = (frame % FRAMES) * FRAME;
      const codes = this.#queue.shift() ?? this.#codes.subarray(at, at + FRAME);
      this.#socket.send(
        rtp(this.audioType, this.sequence, this.timestamp, this.ssrc, codes),
        this.to,
        '127.0.0.1',
      );
      this.sequence = (this.sequence + 1) & 0xffff;
      this.timestamp = (this.timestamp + FRAME) >>> 0;
    }
    this.#packets++;
  }
}

function codesOf(hz: number, law: Law): Buffer {
  return encodeG711(toneSamples(hz, FRAMES * FRAME, AMPLITUDE), law);
}
