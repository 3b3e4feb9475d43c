import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { WebSocket, type ClientOptions } from 'ws';

const WAIT_MS = 5_000;

/** The far end of a TCP, TLS or WebSocket connection, for tests: it keeps the text that comes. */
export class Peer {
  readonly closed: Promise<void>;
  readonly write: (text: string) => void;
  readonly localPort: number;
  #text = '';
  readonly #look = new Set<() => void>();
  readonly #end: () => void;

  constructor(
    source: {
      onData(take: (text: string) => void): void;
      onClose(closed: () => void): void;
    },
    write: (text: string) => void,
    end: () => void,
    localPort = 0,
  ) {
    this.write = write;
    this.#end = end;
    this.localPort = localPort;
    source.onData((text) => {
      this.#text += text;
      for (const look of [...this.#look]) look();
    });
    this.closed = new Promise((resolve) => {
      source.onClose(resolve);
    });
  }

  static ofSocket(socket: Socket): Peer {
    socket.on('error', () => undefined);
    return new Peer(
      {
        onData: (take) => socket.on('data', (chunk: Buffer) => take(chunk.toString())),
        onClose: (closed) => socket.once('close', () => closed()),
      },
      (text) => socket.write(text),
      () => socket.destroy(),
      socket.localPort,
    );
  }

  static async tcp(port: number, host = '127.0.0.1'): Promise<Peer> {
    const socket = connectTcp(port, host);
    await ready(socket, 'connect');
    return Peer.ofSocket(socket);
  }

  /** Rejects when the handshake fails. */
  static async tls(port: number, options: ConnectionOptions): Promise<Peer> {
    const socket = connectTls({ port, host: '127.0.0.1', ...options });
    await ready(socket, 'secureConnect');
    return Peer.ofSocket(socket);
  }

  /** Rejects when the upgrade is refused. */
  static async webSocket(url: string, protocols: string[], options: ClientOptions = {}): Promise<Peer> {
    const socket = new WebSocket(url, protocols, options);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    socket.on('error', () => undefined);
    return new Peer(
      {
        onData: (take) => socket.on('message', (data) => take((data as Buffer).toString())),
        onClose: (closed) => socket.once('close', () => closed()),
      },
      (text) => {
        socket.send(text);
      },
      () => {
        socket.terminate();
      },
    );
  }

  get text(): string {
    return this.#text;
  }

  /** Resolves with what came so far once it matches, and forgets it. */
  async next(pattern: RegExp): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#look.delete(look);
        reject(new Error(`no ${String(pattern)} in: ${this.#text}`));
      }, WAIT_MS);
      const look = (): void => {
        if (!pattern.test(this.#text)) return;
        clearTimeout(timer);
        this.#look.delete(look);
        resolve();
      };
      this.#look.add(look);
      look();
    });
    const text = this.#text;
    this.#text = '';
    return text;
  }

  close(): void {
    this.#end();
  }
}

async function ready(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once(event, () => {
      resolve();
    });
    socket.once('error', reject);
  });
}

let nextCall = 1;

/** An OPTIONS request as a client on that transport sends it. */
export function options(transport: string, host: string, contact?: string): string {
  const number = nextCall++;
  return [
    `OPTIONS sip:${host} SIP/2.0`,
    `Via: SIP/2.0/${transport.toUpperCase()} client.invalid;branch=z9hG4bKp${number};rport`,
    'Max-Forwards: 70',
    'From: <sip:a@client.invalid>;tag=1',
    `To: <sip:${host}>`,
    `Call-ID: peer-${number}`,
    'CSeq: 1 OPTIONS',
    ...(contact === undefined ? [] : [`Contact: ${contact}`]),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
