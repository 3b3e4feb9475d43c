import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { LightPeer, type Incoming } from '../soak/light-peer.js';
import { rtp } from './phone.js';

export interface WirePartyOptions {
  readonly nodePort: number;
  /** Of SIP; a free one by default. */
  readonly port?: number;
  /** The version of IP of its RTP; SIP is over IPv4. */
  readonly family?: 4 | 6;
  /** Formats of its SDP with their attribute lines, for an offer, or for the answer to `asked`. */
  readonly media: (asked: string | null) => { readonly formats: string; readonly lines: readonly string[] };
}

/** A packet as it came. */
export interface Came {
  readonly payloadType: number;
  readonly payload: Buffer;
  readonly ssrc: number;
}

/** A SIP party of one call whose SDP is what the test wants, with RTP on one socket of its own, RTCP with it. */
export class WireParty {
  readonly came: Came[] = [];
  readonly reports: Buffer[] = [];
  readonly invites: Incoming[] = [];
  /** Bodies of INFOs. */
  readonly infos: string[] = [];
  peer!: LightPeer;
  /** SSRC, and the numbers of what it sends. */
  readonly ssrc = Math.floor(Math.random() * 2 ** 32);
  sequence = 1;
  timestamp = 0;
  #callId = '';
  #to: { readonly address: string; readonly port: number } | null = null;
  #talking: NodeJS.Timeout | null = null;
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (packet) => {
      this.#take(packet);
    });
  }

  static async open({ nodePort, port = 0, family = 4, media }: WirePartyOptions): Promise<WireParty> {
    const address = family === 6 ? '::1' : '127.0.0.1';
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    const party = new WireParty(socket);
    party.peer = await LightPeer.open(port, nodePort, (request) => {
      party.#asked(request);
    });
    const rtpPort = socket.address().port;
    let version = 0;
    party.peer.describe = (asked) => {
      const { formats, lines } = media(asked);
      return [
        ...['v=0', `o=- 1 ${++version} IN IP${family} ${address}`, 's=-', `c=IN IP${family} ${address}`],
        ...['t=0 0', `m=audio ${rtpPort} RTP/AVP ${formats}`, ...lines, ''],
      ].join('\r\n');
    };
    return party;
  }

  /** Calls a number and learns from the answer where to send. */
  async call(number: string, mark: string): Promise<void> {
    const status = await this.peer.call(number, mark);
    if (status !== 200) throw new Error(`answered with ${status}`);
    this.#callId = `${mark}@soak`;
    this.follow(this.peer.answerOf(this.#callId));
  }

  request(method: string, type: string, body: string): void {
    this.peer.request(this.#callId, method, [`Content-Type: ${type}`], body);
  }

  hangUp(): void {
    this.peer.request(this.#callId, 'BYE');
  }

  /** Sends where this description says. */
  follow(description: string): void {
    const address = /\r\nc=IN IP[46] (\S+)/.exec(description)?.[1];
    const port = /\r\nm=audio (\d+)/.exec(description)?.[1];
    if (address && port) this.#to = { address, port: Number(port) };
  }

  /** Sends this payload every 20 ms from now on, in the place of what it sent before; null is silent. */
  talk(payloadType: number, payload: Buffer | (() => Buffer) | null): void {
    if (this.#talking) clearInterval(this.#talking);
    this.#talking = null;
    if (payload === null) return;
    this.#talking = setInterval(() => {
      this.say(payloadType, typeof payload === 'function' ? payload() : payload);
    }, 20);
  }

  /** One packet of 20 ms. */
  say(payloadType: number, payload: Buffer, step = 160): void {
    this.send(rtp(payloadType, this.sequence, this.timestamp, this.ssrc, payload));
    this.sequence = (this.sequence + 1) & 0xffff;
    this.timestamp = (this.timestamp + step) >>> 0;
  }

  send(packet: Buffer): void {
    if (this.#to && !this.#closed) this.#socket.send(packet, this.#to.port, this.#to.address);
  }

  /** Resolves once `ready` holds; looked at with each packet and request. */
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

  /** Resolves with the first packet like that of those that come from now on. */
  async hears(wanted: (packet: Came) => boolean, from = this.came.length): Promise<Came> {
    await this.until(() => this.came.slice(from).some(wanted));
    return this.came.slice(from).find(wanted)!;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.talk(0, null);
    this.#socket.close();
    this.peer.close();
  }

  #asked(request: Incoming): void {
    if (request.method === 'INFO') this.infos.push(request.text.slice(request.text.indexOf('\r\n\r\n') + 4));
    if (request.method === 'INVITE') {
      this.invites.push(request);
      this.#callId = request.callId;
      this.follow(request.text);
    }
    request.respond('200 OK', request.method === 'INVITE');
    this.#look();
  }

  #take(packet: Buffer): void {
    if (packet[1]! >= 192 && packet[1]! <= 223) this.reports.push(packet);
    else {
      this.came.push({
        payloadType: packet[1]! & 0x7f,
        payload: packet.subarray(12),
        ssrc: packet.readUInt32BE(8),
      });
    }
    this.#look();
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}
