import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const WAIT_MS = 3_000;

/** One SIP stream, either way; cuts messages by Content-Length. */
export class TcpPeer {
  readonly closed: Promise<void>;
  readonly socket: Socket;
  #buffer = '';
  #inbox: string[] = [];
  #wanted: { matches: (message: string) => boolean; found: (message: string) => void }[] = [];
  /** CRLFs that came between messages. */
  pongs = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      this.#onData(chunk.toString());
    });
  }

  static async connect(port: number): Promise<TcpPeer> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new TcpPeer(socket);
  }

  get port(): number {
    return this.socket.localPort ?? 0;
  }

  send(text: string): void {
    this.socket.write(text);
  }

  async next(what: string, matches: (message: string) => boolean): Promise<string> {
    const index = this.#inbox.findIndex(matches);
    if (index >= 0) return this.#inbox.splice(index, 1)[0]!;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`no ${what} over TCP`));
      }, WAIT_MS);
      this.#wanted.push({
        matches,
        found: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      });
    });
  }

  #onData(text: string): void {
    this.#buffer += text;
    for (;;) {
      while (this.#buffer.startsWith('\r\n')) {
        this.#buffer = this.#buffer.slice(2);
        this.pongs++;
      }
      const end = this.#buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/\r\nContent-Length: *(\d+)/i.exec(this.#buffer.slice(0, end + 2))?.[1] ?? 0);
      if (this.#buffer.length < end + 4 + length) return;
      const message = this.#buffer.slice(0, end + 4 + length);
      this.#buffer = this.#buffer.slice(end + 4 + length);
      const index = this.#wanted.findIndex((wanted) => wanted.matches(message));
      if (index < 0) this.#inbox.push(message);
      else this.#wanted.splice(index, 1)[0]!.found(message);
    }
  }
}

/** A TCP listener that takes connections from the engine. */
export class TcpListener {
  readonly port: number;
  readonly #server: Server;
  readonly peers: TcpPeer[] = [];
  #waiting: ((peer: TcpPeer) => void)[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket: Socket) => {
      const peer = new TcpPeer(socket);
      this.peers.push(peer);
      this.#waiting.shift()?.(peer);
    });
  }

  /** On a port that is free; or on `port`. */
  static async open(port = 0): Promise<TcpListener> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
    return new TcpListener(server);
  }

  /** The first connection, made or still to come. */
  async accept(): Promise<TcpPeer> {
    return this.peers[0] ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#server.close();
    for (const peer of this.peers) peer.socket.destroy();
  }
}
