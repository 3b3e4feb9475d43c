import { SipSocket } from './sip-socket.js';
import { headerOf, methodOf, peerSdp, responseTo, rtpPortOf, statusOf } from './sip-text.js';
import type { RtpTalker } from './rtp-talker.js';

/** An INVITE that the peer took. Times are performance.now. */
export interface TakenInvite {
  /** The X-Bench header that the caller set: names the call. */
  readonly mark: string;
  readonly arrivedAtMs: number;
  /** When the 180 was handed to the kernel. */
  readonly rangAtMs: number;
}

export interface AnsweringPeerOptions {
  readonly port: number;
  readonly nodePort: number;
  /** From 180 to 200. */
  readonly answerAfterMs: number;
  /** Talks once the call is answered, until its BYE; null for a silent peer. */
  readonly talker: RtpTalker | null;
  readonly onInvite: (invite: TakenInvite) => void;
}

/** A bot or an agent: rings at once, answers a moment later, and stays until it is told BYE. */
export class AnsweringPeer {
  readonly #options: AnsweringPeerOptions;
  readonly #rtpPorts = new Map<string, number>();
  #socket: SipSocket | null = null;
  #calls = 0;

  private constructor(options: AnsweringPeerOptions) {
    this.#options = options;
  }

  static async start(options: AnsweringPeerOptions): Promise<AnsweringPeer> {
    const peer = new AnsweringPeer(options);
    peer.#socket = await SipSocket.open(options.port, options.nodePort, (message, atMs) => {
      peer.#onMessage(message, atMs);
    });
    return peer;
  }

  close(): void {
    this.#socket?.close();
  }

  #onMessage(message: string, arrivedAtMs: number): void {
    const socket = this.#socket;
    if (!socket || statusOf(message) !== null) return;
    const { port, answerAfterMs, talker, onInvite } = this.#options;
    const contact = `sip:peer@127.0.0.1:${port}`;
    const callId = headerOf(message, 'Call-ID');
    switch (methodOf(message)) {
      case 'INVITE': {
        const tag = `p${++this.#calls}`;
        const reInvite = headerOf(message, 'To').includes(';tag=');
        const answer = responseTo(message, '200 OK', tag, contact, peerSdp(talker?.port ?? port + 1000));
        if (reInvite || this.#rtpPorts.has(callId)) {
          if (reInvite) socket.send(answer);
          return;
        }
        const rangAtMs = socket.send(responseTo(message, '180 Ringing', tag, contact));
        onInvite({ mark: headerOf(message, 'X-Bench'), arrivedAtMs, rangAtMs });
        this.#rtpPorts.set(callId, rtpPortOf(message));
        setTimeout(() => {
          if (!this.#rtpPorts.has(callId)) return;
          socket.send(answer);
          talker?.talkTo(rtpPortOf(message));
        }, answerAfterMs);
        return;
      }
      case 'ACK':
        return;
      case 'BYE':
        talker?.stopTalkingTo(this.#rtpPorts.get(callId) ?? 0);
        this.#rtpPorts.delete(callId);
        socket.send(responseTo(message, '200 OK', '', contact));
        return;
      default:
        socket.send(responseTo(message, '200 OK', '', contact));
    }
  }
}
