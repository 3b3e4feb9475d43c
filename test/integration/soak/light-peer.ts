import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket as Connection } from 'node:net';
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
  /** `headers` are lines of their own, beside those that every response has. */
  respond(statusLine: string, withSdp?: boolean, headers?: readonly string[]): void;
}

interface Dialog {
  readonly callId: string;
  readonly local: string;
  remote: string;
  target: string;
  cseq: number;
  answer?: string;
}

/** Answers kept for requests that are repeated; the oldest go first. */
const ANSWERS_KEPT = 600;

/** How a peer reaches the node: `reply` goes where the last message came from. */
interface Wire {
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
  send(text: string): void;
  rtp(packet: Buffer, to: number): void;
  close(): void;
}

/** A SIP peer of few lines. Repeated requests get their last answer again; it repeats nothing itself. */
export class LightPeer {
  readonly port: number;
  /** What stands in its offers and answers. */
  describe: () => string = () => peerSdp(this.port);
  readonly #wire: Wire;
  readonly #nodePort: number;
  readonly #answers = new Map<string, string>();
  readonly #dialogs = new Map<string, Dialog>();
  readonly #finals = new Map<string, (status: number) => void>();
  #branches = 0;

  private constructor(wire: Wire, nodePort: number) {
    this.#wire = wire;
    this.#nodePort = nodePort;
    this.port = wire.port;
  }

  /** Over TCP it waits for the node to connect, and asks over that connection. */
  static async open(
    port: number,
    nodePort: number,
    onRequest: (request: Incoming) => void,
    transport: 'udp' | 'tcp' = 'udp',
    onRtp: (packet: Buffer) => void = () => undefined,
  ): Promise<LightPeer> {
    let peer: LightPeer | null = null;
    const take = (text: string): void => {
      if (peer) peer.#onMessage(text, onRequest);
    };
    const wire = await (transport === 'udp' ? udpWire(port, nodePort, take, onRtp) : tcpWire(port, take));
    peer = new LightPeer(wire, nodePort);
    return peer;
  }

  /** Places a call; resolves with its final status. */
  call(number: string, mark: string, more: readonly string[] = []): Promise<number> {
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
      const headers = [`X-Soak: ${mark}`, 'Content-Type: application/sdp', ...more];
      this.#send(dialog, 'INVITE', headers, this.describe());
    });
  }

  /** Sends RTP to the node, from where its SDP says that RTP is taken. Over UDP only. */
  say(packet: Buffer, to: number): void {
    this.#wire.rtp(packet, to);
  }

  /** The newest 2xx to an INVITE of ours in this dialog. */
  answerOf(callId: string): string {
    return this.#dialogs.get(callId)?.answer ?? '';
  }

  /** Sends a request in the dialog; nothing where the dialog is over. */
  request(callId: string, method: string, headers: readonly string[] = [], body = ''): void {
    const dialog = this.#dialogs.get(callId);
    if (!dialog) return;
    if (method === 'BYE') this.#dialogs.delete(callId);
    this.#send(dialog, method, headers, body);
  }

  close(): void {
    this.#wire.close();
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
    this.#wire.send(
      this.#wire.transport === 'udp' ? text : text.replace('Via: SIP/2.0/UDP', 'Via: SIP/2.0/TCP'),
    );
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
      dialog.answer = text;
      dialog.remote = headerOf(text, 'To');
      dialog.target = uriOf(headerOf(text, 'Contact'));
      this.#send(dialog, 'ACK', []);
    } else {
      this.#dialogs.delete(callId);
    }
    if (!this.#finals.has(callId)) return;
    this.#finals.get(callId)?.(status);
    this.#finals.delete(callId);
  }

  #onRequest(text: string, onRequest: (request: Incoming) => void): void {
    const method = methodOf(text);
    if (method === 'ACK') return;
    const key = `${headerOf(text, 'Via')} ${method}`;
    const before = this.#answers.get(key);
    if (before !== undefined) {
      this.#wire.send(before);
      return;
    }
    const callId = headerOf(text, 'Call-ID');
    const contact = `sip:peer@127.0.0.1:${this.port};transport=${this.#wire.transport}`;
    const respond = (statusLine: string, withSdp = false, headers: readonly string[] = []): void => {
      const sdp = withSdp ? this.describe() : '';
      const plain = responseTo(text, statusLine, 'peer', contact, sdp);
      const answer = plain.replace('\r\n', `\r\n${headers.map((line) => `${line}\r\n`).join('')}`);
      this.#answers.set(key, answer);
      for (const oldest of this.#answers.keys()) {
        if (this.#answers.size <= ANSWERS_KEPT) break;
        this.#answers.delete(oldest);
      }
      if (method === 'INVITE' && /^[3-6]/.test(statusLine)) this.#dialogs.delete(callId);
      else if (method === 'INVITE' && !this.#dialogs.has(callId)) this.#remember(text, answer);
      this.#wire.send(answer);
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

async function udpWire(
  port: number,
  nodePort: number,
  take: (text: string) => void,
  onRtp: (packet: Buffer) => void,
): Promise<Wire> {
  const socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 });
  socket.on('message', (bytes) => {
    // RTP is sent to this port too: its first two bits are its version.
    if (((bytes[0] ?? 0) & 0xc0) === 0x80) onRtp(bytes);
    else take(bytes.toString('latin1'));
  });
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    transport: 'udp',
    send: (text) => socket.send(text, nodePort, '127.0.0.1'),
    rtp: (packet, to) => socket.send(packet, to, '127.0.0.1'),
    close: () => socket.close(),
  };
}

async function tcpWire(port: number, take: (text: string) => void): Promise<Wire> {
  const connections = new Set<Connection>();
  const server: Server = createServer((connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => connection.destroy());
    let waiting = '';
    connection.on('data', (bytes) => {
      waiting += bytes.toString('latin1');
      for (let end = endOf(waiting); end > 0; end = endOf(waiting)) {
        const text = waiting.slice(0, end);
        waiting = waiting.slice(end);
        take(text);
      }
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    transport: 'tcp',
    send: (text) => [...connections].at(-1)?.write(text, 'latin1'),
    rtp: () => undefined,
    close: () => {
      server.close();
      for (const connection of connections) connection.destroy();
    },
  };
}

/** Where the first message of a stream ends; 0 while it is not whole. */
function endOf(stream: string): number {
  const head = stream.indexOf('\r\n\r\n');
  if (head < 0) return 0;
  const length = Number(/\r\nContent-Length: *(\d+)/i.exec(stream.slice(0, head + 2))?.[1] ?? 0);
  return stream.length >= head + 4 + length ? head + 4 + length : 0;
}
