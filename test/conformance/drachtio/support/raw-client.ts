import { connect, type Socket } from 'node:net';
import { randomUUID } from 'node:crypto';

/** A control message as it came: the leader's tokens and the SIP after it. */
export interface ControlMessage {
  readonly tokens: string[];
  readonly sip: string;
}

const WAIT_MS = 3_000;

/** An application written straight onto the control protocol. */
export class RawClient {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #buffer = Buffer.alloc(0);
  #inbox: ControlMessage[] = [];
  #wanted: { matches: (message: ControlMessage) => boolean; found: (message: ControlMessage) => void }[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.#onData(chunk);
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Writes bytes without a length before them. */
  writeUnframed(text: string): void {
    this.#socket.write(text);
  }

  /** Sends `leader` with a fresh id, and the SIP after it; returns the id. */
  send(leader: string, sip?: string): string {
    const id = randomUUID();
    const payload = sip === undefined ? `${id}|${leader}` : `${id}|${leader}\r\n${sip}`;
    this.#socket.write(`${Buffer.byteLength(payload)}#${payload}`);
    return id;
  }

  /** Sends and waits for the answer to it. */
  async ask(leader: string, sip?: string): Promise<ControlMessage> {
    const id = this.send(leader, sip);
    return this.next(`answer to ${leader}`, ({ tokens }) => tokens[1] === 'response' && tokens[2] === id);
  }

  async next(what: string, matches: (message: ControlMessage) => boolean): Promise<ControlMessage> {
    const index = this.#inbox.findIndex(matches);
    if (index >= 0) return this.#inbox.splice(index, 1)[0]!;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`no ${what}`));
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

  /** The next `sip` message whose start line begins so. */
  async nextSip(start: string): Promise<ControlMessage> {
    return this.next(start, ({ tokens, sip }) => tokens[1] === 'sip' && sip.startsWith(start));
  }

  /** A message that waits already, if there is one that matches. */
  take(matches: (message: ControlMessage) => boolean): ControlMessage | undefined {
    const index = this.#inbox.findIndex(matches);
    return index < 0 ? undefined : this.#inbox.splice(index, 1)[0];
  }

  /** How many messages wait that nobody has asked for. */
  unread(matches: (message: ControlMessage) => boolean): number {
    return this.#inbox.filter(matches).length;
  }

  #onData(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const hash = this.#buffer.indexOf('#');
      if (hash < 0) return;
      const length = Number(this.#buffer.toString('latin1', 0, hash));
      if (this.#buffer.length < hash + 1 + length) return;
      const payload = this.#buffer.toString('utf8', hash + 1, hash + 1 + length);
      this.#buffer = this.#buffer.subarray(hash + 1 + length);
      const lineEnd = payload.indexOf('\r\n');
      const message = {
        tokens: (lineEnd < 0 ? payload : payload.slice(0, lineEnd)).split('|'),
        sip: lineEnd < 0 ? '' : payload.slice(lineEnd + 2),
      };
      const index = this.#wanted.findIndex((wanted) => wanted.matches(message));
      if (index < 0) this.#inbox.push(message);
      else this.#wanted.splice(index, 1)[0]!.found(message);
    }
  }
}
