import type { RtpTalker } from './rtp-talker.js';
import { SipSocket } from './sip-socket.js';
import {
  headerOf,
  methodOf,
  peerSdp,
  requestText,
  responseTo,
  rtpPortOf,
  statusOf,
  uriOf,
} from './sip-text.js';

/** What happened in a call, as the caller sees it. `atMs` is performance.now. */
export type CallerEvent =
  | { readonly kind: 'ringing' | 'answered' | 'ended'; readonly atMs: number }
  | { readonly kind: 'refused'; readonly atMs: number; readonly status: number }
  | { readonly kind: 'refer'; readonly atMs: number };

export interface CallerPeerOptions {
  readonly port: number;
  readonly nodePort: number;
  readonly talker: RtpTalker | null;
  readonly onEvent: (mark: string, event: CallerEvent) => void;
}

interface Call {
  readonly mark: string;
  readonly callId: string;
  readonly from: string;
  to: string;
  remoteUri: string;
  cseq: number;
  rtpPort: number;
  rang: boolean;
  state: 'calling' | 'up' | 'ended';
}

/** A caller that places many calls from one socket. Loopback loses nothing: it does not retransmit. */
export class CallerPeer {
  readonly #options: CallerPeerOptions;
  readonly #calls = new Map<string, Call>();
  #socket: SipSocket | null = null;
  #branches = 0;

  private constructor(options: CallerPeerOptions) {
    this.#options = options;
  }

  static async start(options: CallerPeerOptions): Promise<CallerPeer> {
    const peer = new CallerPeer(options);
    peer.#socket = await SipSocket.open(options.port, options.nodePort, (message, atMs) => {
      peer.#onMessage(message, atMs);
    });
    return peer;
  }

  /** Sends the INVITE; returns when it was handed to the kernel. */
  call(number: string, mark: string): number {
    const { port, nodePort, talker } = this.#options;
    const call: Call = {
      mark,
      callId: `${mark}@bench`,
      from: `<sip:+5491155550199@127.0.0.1:${port}>;tag=c${mark}`,
      to: `<sip:${number}@127.0.0.1:${nodePort}>`,
      remoteUri: `sip:${number}@127.0.0.1:${nodePort}`,
      cseq: 1,
      rtpPort: 0,
      rang: false,
      state: 'calling',
    };
    this.#calls.set(call.callId, call);
    const headers = [
      `X-Bench: ${mark}`,
      'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY',
      'Content-Type: application/sdp',
    ];
    return this.#send(call, 'INVITE', headers, peerSdp(talker?.port ?? port + 1000));
  }

  /** Presses a key, by SIP INFO; returns when it was handed to the kernel. */
  press(mark: string, digit: string): number {
    const call = this.#calls.get(`${mark}@bench`);
    if (call?.state !== 'up') return Number.NaN;
    call.cseq++;
    return this.#send(
      call,
      'INFO',
      ['Content-Type: application/dtmf-relay'],
      `Signal=${digit}\r\nDuration=160\r\n`,
    );
  }

  hangUp(mark: string): void {
    const call = this.#calls.get(`${mark}@bench`);
    if (call?.state !== 'up') return;
    call.cseq++;
    this.#end(call);
    this.#send(call, 'BYE', []);
  }

  close(): void {
    this.#socket?.close();
  }

  #send(call: Call, method: string, headers: readonly string[], body = ''): number {
    const { port } = this.#options;
    const text = requestText({
      method,
      uri: call.remoteUri,
      localPort: port,
      branch: `${call.mark}x${++this.#branches}`,
      from: call.from,
      to: call.to,
      callId: call.callId,
      cseq: call.cseq,
      headers,
      body,
    });
    return this.#socket?.send(text) ?? Number.NaN;
  }

  #onMessage(message: string, atMs: number): void {
    const call = this.#calls.get(headerOf(message, 'Call-ID'));
    if (!call) return;
    const status = statusOf(message);
    if (status === null) this.#onRequest(call, message, atMs);
    else if (methodOf(message) === 'INVITE') this.#onInviteResponse(call, message, status, atMs);
    else if (methodOf(message) === 'BYE') this.#calls.delete(call.callId);
  }

  #onInviteResponse(call: Call, message: string, status: number, atMs: number): void {
    const { onEvent, talker } = this.#options;
    if (status === 180 && !call.rang) {
      call.rang = true;
      onEvent(call.mark, { kind: 'ringing', atMs });
    } else if (status >= 200 && status < 300) {
      call.to = headerOf(message, 'To');
      call.remoteUri = uriOf(headerOf(message, 'Contact'));
      this.#send(call, 'ACK', []);
      if (call.state !== 'calling') return;
      call.state = 'up';
      call.rtpPort = rtpPortOf(message);
      talker?.talkTo(call.rtpPort);
      onEvent(call.mark, { kind: 'answered', atMs });
    } else if (status >= 300) {
      this.#calls.delete(call.callId);
      onEvent(call.mark, { kind: 'refused', atMs, status });
    }
  }

  #onRequest(call: Call, request: string, atMs: number): void {
    const { port, onEvent, talker } = this.#options;
    const contact = `sip:caller@127.0.0.1:${port}`;
    switch (methodOf(request)) {
      case 'ACK':
        return;
      case 'REFER':
        this.#socket?.send(responseTo(request, '202 Accepted', '', contact));
        onEvent(call.mark, { kind: 'refer', atMs });
        this.#notifyDone(call);
        return;
      case 'INVITE':
        this.#socket?.send(responseTo(request, '200 OK', '', contact, peerSdp(talker?.port ?? port + 1000)));
        return;
      case 'BYE':
        this.#socket?.send(responseTo(request, '200 OK', '', contact));
        this.#end(call);
        this.#calls.delete(call.callId);
        onEvent(call.mark, { kind: 'ended', atMs });
        return;
      default:
        this.#socket?.send(responseTo(request, '200 OK', '', contact));
    }
  }

  /** The target answered at once (RFC 3515). */
  #notifyDone(call: Call): void {
    call.cseq++;
    const headers = [
      'Event: refer',
      'Subscription-State: terminated;reason=noresource',
      'Content-Type: message/sipfrag;version=2.0',
    ];
    this.#send(call, 'NOTIFY', headers, 'SIP/2.0 200 OK\r\n');
  }

  #end(call: Call): void {
    call.state = 'ended';
    this.#options.talker?.stopTalkingTo(call.rtpPort);
  }
}
