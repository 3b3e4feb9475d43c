import type { Socket } from 'node:net';
import type { MessageFramer, Wire, WireEvents } from './wire.js';

const PING = Buffer.from('\r\n\r\n');
const PONG = Buffer.from('\r\n');
/** So that a peer whose machine vanished is noticed by the system. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** SIP messages on a TCP or TLS socket, framed by Content-Length; CRLF keep-alives are answered (RFC 5626 4.4.1). */
export class SocketWire implements Wire {
  readonly #socket: Socket;
  readonly #framer: MessageFramer;
  readonly #openEvent: 'connect' | 'secureConnect';

  /** `openEvent` is what says that a socket which is being opened is ready. */
  constructor(socket: Socket, framer: MessageFramer, openEvent: 'connect' | 'secureConnect' = 'connect') {
    this.#socket = socket;
    this.#framer = framer;
    this.#openEvent = openEvent;
  }

  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  start(events: WireEvents): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    socket.once(this.#openEvent, () => {
      events.onOpen();
    });
    socket.on('data', (chunk: Buffer) => {
      this.#onData(chunk, events);
    });
    socket.on('error', (error) => {
      events.onClosed(error.message);
    });
    socket.on('close', () => {
      events.onClosed('closed by the peer');
    });
  }

  send(raw: Buffer): void {
    this.#socket.write(raw);
  }

  ping(): void {
    this.#socket.write(PING);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer, events: WireEvents): void {
    const { messages, error, pings, pongs } = this.#framer.push(chunk);
    for (let ping = 0; ping < pings; ping++) {
      this.#socket.write(PONG);
      events.onKeepAlive();
    }
    if (pongs > 0) events.onPong();
    for (const message of messages) events.onMessage(message);
    if (error === undefined) events.onPartial(this.#framer.bufferedBytes > 0);
    else events.onBadBytes(error, chunk);
  }
}
