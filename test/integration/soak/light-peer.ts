import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import {
  headerOf,
  methodOf,
  peerSdp,
  requestText,
  responseTo,
  statusOf,
  uriOf,
} from '../../../bench/peer/sip-text.js';

/** A request that came, and how to answer it. */
export interface Incoming {
  readonly text: string;
  readonly method: string;
  readonly callId: string;
  /** The X-Soak header that the caller set: names the call over all its legs. */
  readonly mark: string;
  respond(statusLine: string, withSdp?: boolean): void;
}

interface Dialog {
  readonly callId: string;
  readonly local: string;
  remote: string;
  target: string;
  cseq: number;
}

/** A SIP peer of few lines over UDP. Repeated requests get their last answer again; it repeats nothing itself. */
export class LightPeer {
  readonly port: number;
  readonly #socket: Socket;
  readonly #nodePort: number;
  readonly #answers = new Map<string, string>();
  readonly #dialogs = new Map<string, Dialog>();
  readonly #finals = new Map<string, (status: number) => void>();
  #branches = 0;

  private constructor(socket: Socket, nodePort: number, onRequest: (request: Incoming) => void) {
    this.#socket = socket;
    this.#nodePort = nodePort;
    this.port = socket.address().port;
    socket.on('message', (bytes) => this.#onMessage(bytes.toString('latin1'), onRequest));
  }

  static async open(
    port: number,
    nodePort: number,
    onRequest: (request: Incoming) => void,
  ): Promise<LightPeer> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 });
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return new LightPeer(socket, nodePort, onRequest);
  }

  /** Places a call; resolves with its final status. */
  call(number: string, mark: string): Promise<number> {
    const callId = `${mark}@soak`;
    const dialog: Dialog = {
      callId,
      local: `<sip:caller@127.0.0.1:${this.port}>;tag=${mark}`,
      remote: `<sip:${number}@127.0.0.1:${this.#nodePort}>`,
      target: `sip:${number}@127.0.0.1:${this.#nodePort}`,
      cseq: 0,
    };
    this.#dialogs.set(callId, dialog);
    return new Promise((resolve) => {
      this.#finals.set(callId, resolve);
      const headers = [`X-Soak: ${mark}`, 'Content-Type: application/sdp'];
      this.#send(dialog, 'INVITE', headers, peerSdp(this.port));
    });
  }

  /** Sends a request in the dialog; nothing where the dialog is over. */
  request(callId: string, method: string, headers: readonly string[] = [], body = ''): void {
    const dialog = this.#dialogs.get(callId);
    if (!dialog) return;
    if (method === 'BYE') this.#dialogs.delete(callId);
    this.#send(dialog, method, headers, body);
  }

  close(): void {
    this.#socket.close();
  }

  #send(dialog: Dialog, method: string, headers: readonly string[], body = ''): void {
    if (method !== 'ACK') dialog.cseq++;
    const text = requestText({
      method,
      uri: dialog.target,
      localPort: this.port,
      branch: `s${this.port}x${++this.#branches}`,
      from: dialog.local,
      to: dialog.remote,
      callId: dialog.callId,
      cseq: dialog.cseq,
      headers,
      body,
    });
    this.#socket.send(text, this.#nodePort, '127.0.0.1');
  }

  #onMessage(text: string, onRequest: (request: Incoming) => void): void {
    const status = statusOf(text);
    if (status === null) this.#onRequest(text, onRequest);
    else if (methodOf(text) === 'INVITE' && status >= 200) this.#onFinal(text, status);
  }

  #onFinal(text: string, status: number): void {
    const callId = headerOf(text, 'Call-ID');
    const dialog = this.#dialogs.get(callId);
    if (!dialog) return;
    if (status < 300) {
      dialog.remote = headerOf(text, 'To');
      dialog.target = uriOf(headerOf(text, 'Contact'));
      this.#send(dialog, 'ACK', []);
    } else {
      this.#dialogs.delete(callId);
    }
    this.#finals.get(callId)?.(status);
    this.#finals.delete(callId);
  }

  #onRequest(text: string, onRequest: (request: Incoming) => void): void {
    const method = methodOf(text);
    if (method === 'ACK') return;
    const key = `${headerOf(text, 'Via')} ${method}`;
    const before = this.#answers.get(key);
    if (before !== undefined) {
      this.#socket.send(before, this.#nodePort, '127.0.0.1');
      return;
    }
    const callId = headerOf(text, 'Call-ID');
    const contact = `sip:peer@127.0.0.1:${this.port}`;
    const respond = (statusLine: string, withSdp = false): void => {
      const answer = responseTo(text, statusLine, 'peer', contact, withSdp ? peerSdp(this.port) : '');
      this.#answers.set(key, answer);
      if (method === 'INVITE' && !this.#dialogs.has(callId)) this.#remember(text, answer);
      this.#socket.send(answer, this.#nodePort, '127.0.0.1');
    };
    if (method === 'BYE') this.#dialogs.delete(callId);
    onRequest({ text, method, callId, mark: headerOf(text, 'X-Soak'), respond });
  }

  #remember(invite: string, answer: string): void {
    this.#dialogs.set(headerOf(invite, 'Call-ID'), {
      callId: headerOf(invite, 'Call-ID'),
      local: headerOf(answer, 'To'),
      remote: headerOf(invite, 'From'),
      target: uriOf(headerOf(invite, 'Contact')),
      cseq: 0,
    });
  }
}
