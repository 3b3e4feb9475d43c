import { createSocket, type Socket } from 'node:dgram';

const FRAME_MS = 20;
const PAYLOAD_BYTES = 160;
const HEADER_BYTES = 12;

interface Listener {
  readonly port: number;
  readonly packet: Buffer;
  sequence: number;
}

/** Says the same 20 ms of A-law to every leg that listens, so that bridged calls carry audio. */
export class RtpTalker {
  readonly port: number;
  readonly #socket: Socket;
  readonly #listeners = new Map<number, Listener>();
  readonly #timer: NodeJS.Timeout;
  #ssrc = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', () => undefined);
    this.#timer = setInterval(() => {
      for (const listener of this.#listeners.values()) this.#say(listener);
    }, FRAME_MS);
  }

  static async open(): Promise<RtpTalker> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    return new RtpTalker(socket);
  }

  talkTo(port: number): void {
    const packet = Buffer.alloc(HEADER_BYTES + PAYLOAD_BYTES, 0x35);
    packet[0] = 0x80;
    packet[1] = 8;
    packet.writeUInt32BE(this.#ssrc++, 8);
    const listener = { port, packet, sequence: 0 };
    this.#listeners.set(port, listener);
    this.#say(listener);
  }

  stopTalkingTo(port: number): void {
    this.#listeners.delete(port);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
    this.#socket.close();
  }

  #say(listener: Listener): void {
    const { packet, port } = listener;
    const sequence = listener.sequence++;
    packet.writeUInt16BE(sequence & 0xffff, 2);
    packet.writeUInt32BE((sequence * PAYLOAD_BYTES) >>> 0, 4);
    this.#socket.send(packet, port, '127.0.0.1');
  }
}
