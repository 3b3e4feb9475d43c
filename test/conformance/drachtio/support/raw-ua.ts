import { createSocket, type Socket } from 'node:dgram';
import { compose, header, headers, method, SDP, startLine, status, tag } from './sip-text.js';

interface Wanted {
  readonly what: string;
  readonly matches: (message: string) => boolean;
  readonly found: (message: string) => void;
}

const WAIT_MS = 3_000;

/** A user agent over UDP that does nothing but what the test tells it. Messages wait until they are asked for. */
export class RawUa {
  readonly port: number;
  /** Everything that came, in order. */
  readonly seen: string[] = [];
  readonly #socket: Socket;
  readonly #target: number;
  #inbox: string[] = [];
  #wanted: Wanted[] = [];
  #number = 0;

  private constructor(socket: Socket, target: number) {
    this.#socket = socket;
    this.#target = target;
    this.port = socket.address().port;
    socket.on('message', (datagram) => {
      // RFC 3261 7.5: empty lines are nothing.
      if (datagram.toString().trim() === '') return;
      this.#onMessage(datagram.toString());
    });
  }

  /** `target` is the UDP port of the engine; without `port` any free one is ours. */
  static async open(target: number, port = 0, address = '127.0.0.1'): Promise<RawUa> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => {
      socket.bind(port, address, resolve);
    });
    return new RawUa(socket, target);
  }

  close(): void {
    this.#socket.close();
  }

  send(message: string | Buffer): void {
    this.#socket.send(Buffer.from(message), this.#target, '127.0.0.1');
  }

  /** The next message that matches; fails after 3 s, or `waitMs`, and says what came instead. */
  async next(what: string, matches: (message: string) => boolean, waitMs = WAIT_MS): Promise<string> {
    const index = this.#inbox.findIndex(matches);
    if (index >= 0) return this.#inbox.splice(index, 1)[0]!;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#wanted = this.#wanted.filter((other) => other !== wanted);
        reject(new Error(`no ${what}; came: ${this.seen.map(startLine).join(' | ')}`));
      }, waitMs);
      const wanted: Wanted = {
        what,
        matches,
        found: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      };
      this.#wanted.push(wanted);
    });
  }

  async nextRequest(name: string, waitMs?: number): Promise<string> {
    return this.next(name, (message) => method(message) === name, waitMs);
  }

  /** A response by status and the method of its CSeq. */
  async nextResponse(code: number, name: string, waitMs?: number): Promise<string> {
    return this.next(
      `${code} ${name}`,
      (message) => status(message) === code && header(message, 'CSeq').endsWith(` ${name}`),
      waitMs,
    );
  }

  /** How many of the messages so far match. */
  count(matches: (message: string) => boolean): number {
    return this.seen.filter(matches).length;
  }

  /** A request outside a dialog from this user agent. */
  request(
    name: string,
    extra: readonly string[] = [],
    content = '',
    requestUri = `sip:1234@127.0.0.1:${this.#target}`,
  ): string {
    const number = ++this.#number;
    return compose(
      [
        `${name} ${requestUri} SIP/2.0`,
        this.via(),
        'Max-Forwards: 70',
        `From: <sip:A@127.0.0.1:${this.port}>;tag=A${this.port}${number}`,
        `To: <sip:1234@127.0.0.1:${this.#target}>`,
        `Call-ID: call-${this.port}-${number}@ua`,
        `CSeq: 1 ${name}`,
        `Contact: <sip:A@127.0.0.1:${this.port}>`,
        ...(content === '' ? [] : ['Content-Type: application/sdp']),
        ...extra,
      ],
      content,
    );
  }

  invite(extra: readonly string[] = [], content = SDP): string {
    return this.request('INVITE', extra, content);
  }

  via(): string {
    return `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${this.port}x${this.#branches++};rport`;
  }

  #branches = 0;

  /** A request in the dialog that `response` (a 2xx or 1xx to a request of ours) made. */
  inDialog(
    name: string,
    cseq: number,
    response: string,
    extra: readonly string[] = [],
    content = '',
  ): string {
    const routes = headers(response, 'Record-Route').map((value) => `Route: ${value}`);
    return compose(
      [
        `${name} ${/<([^>]*)>/.exec(header(response, 'Contact'))![1]!} SIP/2.0`,
        this.via(),
        'Max-Forwards: 70',
        ...routes,
        `From: ${header(response, 'From')}`,
        `To: ${header(response, 'To')}`,
        `Call-ID: ${header(response, 'Call-ID')}`,
        `CSeq: ${cseq} ${name}`,
        `Contact: <sip:A@127.0.0.1:${this.port}>`,
        ...extra,
      ],
      content,
    );
  }

  /** A request in the dialog that a request from the engine made, which we answered with our tag. */
  inDialogAsUas(
    name: string,
    cseq: number,
    request: string,
    ownTag: string,
    extra: readonly string[] = [],
    content = '',
  ): string {
    return compose(
      [
        `${name} ${/<([^>]*)>/.exec(header(request, 'Contact'))![1]!} SIP/2.0`,
        this.via(),
        'Max-Forwards: 70',
        `From: ${header(request, 'To')};tag=${ownTag}`,
        `To: ${header(request, 'From')}`,
        `Call-ID: ${header(request, 'Call-ID')}`,
        `CSeq: ${cseq} ${name}`,
        `Contact: <sip:B@127.0.0.1:${this.port}>`,
        ...extra,
      ],
      content,
    );
  }

  /** A response to a request that came from the engine. */
  response(
    request: string,
    code: number,
    reason: string,
    ownTag = 'btag',
    extra: readonly string[] = [],
    content = '',
  ): string {
    const to = header(request, 'To');
    return compose(
      [
        `SIP/2.0 ${code} ${reason}`,
        ...headers(request, 'Via').map((value) => `Via: ${value}`),
        `From: ${header(request, 'From')}`,
        `To: ${tag(to) === undefined && code > 100 ? `${to};tag=${ownTag}` : to}`,
        `Call-ID: ${header(request, 'Call-ID')}`,
        `CSeq: ${header(request, 'CSeq')}`,
        `Contact: <sip:B@127.0.0.1:${this.port}>`,
        ...(content === '' ? [] : ['Content-Type: application/sdp']),
        ...extra,
      ],
      content,
    );
  }

  /** The CANCEL or the ACK to a non-2xx for a request of ours. */
  sameHop(name: 'ACK' | 'CANCEL', invite: string, to = header(invite, 'To')): string {
    return compose([
      `${name} ${startLine(invite).split(' ')[1]!} SIP/2.0`,
      `Via: ${header(invite, 'Via')}`,
      'Max-Forwards: 70',
      `From: ${header(invite, 'From')}`,
      `To: ${to}`,
      `Call-ID: ${header(invite, 'Call-ID')}`,
      `CSeq: ${header(invite, 'CSeq').split(' ')[0]!} ${name}`,
    ]);
  }

  #onMessage(message: string): void {
    this.seen.push(message);
    const index = this.#wanted.findIndex((wanted) => wanted.matches(message));
    if (index < 0) this.#inbox.push(message);
    else this.#wanted.splice(index, 1)[0]!.found(message);
  }
}
