import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { MediaEvent } from '../../../src/call/media-port.js';
import { SrtpReceiver } from '../../../src/rtp/srtp/srtp-receiver.js';
import { SrtpSender } from '../../../src/rtp/srtp/srtp-sender.js';
import { masterBytes, type SrtpSuite } from '../../../src/rtp/srtp/suites.js';
import { rtp } from './phone.js';

/** What came in as SRTP, decrypted. */
export interface HeardSecurely {
  readonly sequence: number;
  readonly ssrc: number;
  readonly payload: Buffer;
  /** As it came. */
  readonly sealed: Buffer;
}

/** A phone without SIP that speaks SRTP on one port, RTCP with it. */
export class SecurePhone {
  readonly heard: HeardSecurely[] = [];
  /** Keys of the node, one for each description of its. */
  readonly keys: string[] = [];
  /** Reports that were authentic. */
  reports = 0;
  /** Packets that were neither. */
  strange = 0;
  sequence = 65_500;
  /** How often the sequence of what was sent has come to its end. */
  turns = 0;
  #last = 0;
  readonly #socket: Socket;
  readonly #suite: SrtpSuite;
  readonly #waiting = new Set<() => void>();
  #closed = false;
  #fill = 0;
  #sender: SrtpSender;
  #receiver: SrtpReceiver | null = null;

  private constructor(socket: Socket, suite: SrtpSuite, fill: number) {
    this.#socket = socket;
    this.#suite = suite;
    this.#sender = this.rekey(fill);
    socket.on('message', (packet) => {
      this.#take(packet);
      for (const look of this.#waiting) look();
    });
  }

  static async open(suite: SrtpSuite, fill: number): Promise<SecurePhone> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new SecurePhone(socket, suite, fill);
  }

  /** Sends under another key from now on. */
  rekey(fill: number): SrtpSender {
    this.#fill = fill;
    this.#sender = new SrtpSender(this.#suite, Buffer.alloc(masterBytes(this.#suite), fill));
    return this.#sender;
  }

  sdp(port = this.#socket.address().port): string {
    const key = Buffer.alloc(masterBytes(this.#suite), this.#fill).toString('base64');
    return [
      ...['v=0', 'o=phone 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'],
      ...[`m=audio ${port} RTP/SAVP 0`, `a=crypto:1 ${this.#suite} inline:${key}`, 'a=rtcp-mux', ''],
    ].join('\r\n');
  }

  /** Takes the key and the port of an answer of ours. */
  learn(event: MediaEvent): number {
    assert.equal(event.kind, 'localSdp', JSON.stringify(event));
    const key = /^a=crypto:1 \S+ inline:(\S+)/m.exec(event.sdp)?.[1] ?? '';
    this.keys.push(key);
    this.#receiver ??= new SrtpReceiver(this.#suite, Buffer.from(key, 'base64'));
    return Number(/^m=audio (\d+) /m.exec(event.sdp)![1]);
  }

  /** The next packet, sealed. */
  next(payload: Buffer, padded = false): Buffer {
    if (this.sequence % 0x10000 < this.#last) this.turns++;
    this.#last = this.sequence % 0x10000;
    const packet = rtp(0, this.sequence, this.sequence * 160, 0xabcd, payload);
    if (padded) packet[0]! |= 0x20;
    this.sequence++;
    return this.#sender.protect(packet, 0, packet.length)!;
  }

  send(to: number, packet: Buffer): void {
    if (!this.#closed) this.#socket.send(packet, to, '127.0.0.1');
  }

  /** Resolves once `ready` holds. */
  async until(ready: () => boolean): Promise<void> {
    if (ready()) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!ready()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #take(packet: Buffer): void {
    const receiver = this.#receiver;
    if (!receiver) return;
    if (packet[1]! >= 192 && packet[1]! <= 223) {
      if (typeof receiver.unprotectRtcp(packet) === 'number') this.reports++;
      else this.strange++;
      return;
    }
    const sealed = Buffer.from(packet);
    const end = receiver.unprotect(packet, 12);
    if (typeof end !== 'number') {
      this.strange++;
      return;
    }
    const payload = Buffer.from(packet.subarray(12, end));
    this.heard.push({ sequence: packet.readUInt16BE(2), ssrc: packet.readUInt32BE(8), payload, sealed });
  }
}
