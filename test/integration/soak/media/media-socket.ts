import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { looksLikeRtcp } from '../../../../src/rtp/packet.js';
import { SrtpReceiver } from '../../../../src/rtp/srtp/srtp-receiver.js';
import { SrtpSender } from '../../../../src/rtp/srtp/srtp-sender.js';
import type { Remote } from './party-sdp.js';
import type { SrtpSuite } from '../../../../src/rtp/srtp/suites.js';

/** What of the network is heard: plain packets, whatever came over it. */
export interface MediaSocketHandlers {
  onRtp(packet: Buffer, nowMs: number): void;
  onRtcp(packet: Buffer): void;
  /** A packet that the agreed key does not open. */
  onStrange(why: string): void;
}

/** Every address here is a literal: no resolver in the way. */
const lookup = (
  address: string,
  _options: unknown,
  answer: (error: null, address: string, family: number) => void,
): void => {
  answer(null, address, address.includes(':') ? 6 : 4);
};

/** The RTP socket of a party and the one for RTCP, plain or SRTP. */
export class MediaSocket {
  readonly port: number;
  readonly rtcpPort: number;
  readonly #rtp: Socket;
  readonly #rtcp: Socket;
  #remote: Remote | null = null;
  #mux = false;
  #sender: SrtpSender | null = null;
  #receiver: SrtpReceiver | null = null;
  #theirKey = '';
  readonly #encrypted: boolean;
  #closed = false;

  private constructor(rtp: Socket, rtcp: Socket, encrypted: boolean, handlers: MediaSocketHandlers) {
    this.#encrypted = encrypted;
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.port = rtp.address().port;
    this.rtcpPort = rtcp.address().port;
    rtp.on('message', (packet) => {
      if (looksLikeRtcp(packet)) this.#report(packet, handlers);
      else this.#audio(packet, handlers);
    });
    rtcp.on('message', (packet) => {
      this.#report(packet, handlers);
    });
  }

  /** `encrypted`: nothing is heard before the other side's key is known. */
  static async open(family: 4 | 6, encrypted: boolean, handlers: MediaSocketHandlers): Promise<MediaSocket> {
    const sockets = await Promise.all([bound(family), bound(family)]);
    return new MediaSocket(...sockets, encrypted, handlers);
  }

  /** Where and how it is sent from now on. `ours` is the key of what we send. */
  agree(remote: Remote, suite: SrtpSuite | null, ours: Buffer | null, mux: boolean): void {
    this.#remote = remote;
    this.#mux = mux && remote.mux;
    const theirs = remote.crypto.find((one) => one.suite === suite);
    if (!suite || !ours || !theirs) return;
    this.#sender ??= new SrtpSender(suite, ours);
    if (this.#theirKey === theirs.key.toString('base64')) return;
    this.#theirKey = theirs.key.toString('base64');
    this.#receiver = new SrtpReceiver(suite, theirs.key);
  }

  /** Where the node takes this party's packets; for those who throw others at it. */
  get target(): { readonly address: string; readonly port: number; readonly rtcpPort: number } | null {
    return this.#remote;
  }

  send(packet: Buffer): void {
    const remote = this.#remote;
    if (!remote || this.#closed) return;
    const sealed = this.#sender ? this.#sender.protect(packet, 0, packet.length) : packet;
    if (sealed) this.#rtp.send(sealed, remote.port, remote.address);
  }

  /** Sends what was sent before once more, as a network does. Sealed packets go again as they were. */
  sendTwice(packet: Buffer): void {
    const remote = this.#remote;
    if (!remote || this.#closed) return;
    const sealed = this.#sender ? this.#sender.protect(packet, 0, packet.length) : packet;
    if (!sealed) return;
    const copy = Buffer.from(sealed);
    this.#rtp.send(copy, remote.port, remote.address);
    this.#rtp.send(copy, remote.port, remote.address);
  }

  sendReport(report: Buffer): void {
    const remote = this.#remote;
    if (!remote || this.#closed) return;
    const sealed = this.#sender ? this.#sender.protectRtcp(report) : report;
    if (!sealed) return;
    if (this.#mux) this.#rtp.send(sealed, remote.port, remote.address);
    else this.#rtcp.send(sealed, remote.rtcpPort, remote.address);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rtp.close();
    this.#rtcp.close();
  }

  #audio(packet: Buffer, handlers: MediaSocketHandlers): void {
    const nowMs = performance.now();
    if (!this.#receiver) {
      if (this.#encrypted) handlers.onStrange('before the key was known');
      else handlers.onRtp(packet, nowMs);
      return;
    }
    const end = this.#receiver.unprotect(packet, 12);
    if (typeof end === 'number') handlers.onRtp(packet.subarray(0, end), nowMs);
    else handlers.onStrange(end);
  }

  #report(packet: Buffer, handlers: MediaSocketHandlers): void {
    if (!this.#receiver) {
      if (!this.#encrypted) handlers.onRtcp(packet);
      return;
    }
    const end = this.#receiver.unprotectRtcp(packet);
    if (typeof end === 'number') handlers.onRtcp(packet.subarray(0, end));
    else handlers.onStrange(end);
  }
}

async function bound(family: 4 | 6): Promise<Socket> {
  const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', lookup });
  // With such a lookup it listens before `bind` returns.
  const listening = once(socket, 'listening');
  socket.bind(0, family === 6 ? '::1' : '127.0.0.1');
  await listening;
  return socket;
}
