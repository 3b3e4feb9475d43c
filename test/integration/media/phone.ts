import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parseRtpPacket, type ParsedRtpPacket } from 'rtp-parser';

export interface Heard extends ParsedRtpPacket {
  readonly atMs: number;
}

/** A phone without SIP: one RTP socket on loopback, read with rtp-parser. */
export class Phone {
  readonly socket: Socket;
  readonly port: number;
  readonly ssrc: number;
  readonly heard: Heard[] = [];
  sequence = 65_530;
  timestamp = 4_294_967_000;
  #waiting: { count: number; resolve: () => void }[] = [];
  #closed = false;

  private constructor(socket: Socket, ssrc: number) {
    this.socket = socket;
    this.port = socket.address().port;
    this.ssrc = ssrc;
    socket.on('message', (packet) => {
      this.heard.push({ ...parseRtpPacket(packet), atMs: performance.now() });
      const due = this.#waiting.filter((waiter) => waiter.count <= this.heard.length);
      this.#waiting = this.#waiting.filter((waiter) => waiter.count > this.heard.length);
      for (const waiter of due) waiter.resolve();
    });
  }

  static async open(ssrc: number): Promise<Phone> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Phone(socket, ssrc);
  }

  /** Resolves when `count` packets were heard in all. */
  hears(count: number): Promise<void> {
    if (this.heard.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** Resolves when a packet beyond those heard so far satisfies `wanted`. */
  async hearsOne(wanted: (packet: Heard) => boolean, from = this.heard.length): Promise<Heard> {
    for (let at = from; ; at++) {
      await this.hears(at + 1);
      const packet = this.heard[at]!;
      if (wanted(packet)) return packet;
    }
  }

  sdp(formats = '0 101', extra: readonly string[] = [], address = '127.0.0.1', port = this.port): string {
    const maps: Record<string, string> = { '101': 'telephone-event', '96': 'telephone-event' };
    return [
      'v=0',
      `o=phone 1 1 IN IP4 ${address}`,
      's=-',
      `c=IN IP4 ${address}`,
      't=0 0',
      `m=audio ${port} RTP/AVP ${formats}`,
      ...formats.split(' ').flatMap((type) => (maps[type] ? [`a=rtpmap:${type} ${maps[type]}/8000`] : [])),
      ...extra,
      '',
    ].join('\r\n');
  }

  /** Sends one packet and moves sequence and timestamp on. */
  say(to: number, payload: Buffer, payloadType = 0, options: { marker?: boolean; step?: number } = {}): void {
    this.socket.send(
      rtp(payloadType, this.sequence, this.timestamp, this.ssrc, payload, options.marker),
      to,
      '127.0.0.1',
    );
    this.sequence = (this.sequence + 1) & 0xffff;
    this.timestamp = (this.timestamp + (options.step ?? payload.length)) >>> 0;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.socket.close();
  }
}

/** Builds a packet by hand, apart from the code under test. */
export function rtp(
  payloadType: number,
  sequence: number,
  timestamp: number,
  ssrc: number,
  payload: Buffer,
  marker = false,
): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt8(0x80, 0);
  head.writeUInt8((marker ? 0x80 : 0) | payloadType, 1);
  head.writeUInt16BE(sequence & 0xffff, 2);
  head.writeUInt32BE(timestamp >>> 0, 4);
  head.writeUInt32BE(ssrc, 8);
  return Buffer.concat([head, payload]);
}

/** A telephone-event payload (RFC 4733 2.3). */
export function eventPayload(event: number, end: boolean, duration: number): Buffer {
  return Buffer.from([event, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
}
