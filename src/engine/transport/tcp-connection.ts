import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../common/clock.js';
import type { EngineLimits } from '../engine-options.js';
import type { Source } from '../../sip/transaction/transport.js';
import type { PacketHandler } from './listener.js';

/** Cuts a stream into SIP messages (RFC 3261 18.3). */
export interface MessageFramer {
  /** Whole messages in `chunk` and what came before; `error` ends the connection; `pings` counts CRLF keep-alives. */
  push(chunk: Buffer): { messages: Buffer[]; error?: string; pings: number };
}

const PONG = Buffer.from('\r\n');

/** One TCP connection to or from a peer, with its idle and backlog bounds. */
export class TcpConnection {
  readonly source: Source;
  readonly #socket: Socket;
  readonly #limits: EngineLimits;
  readonly #clock: Clock;
  readonly #framer: MessageFramer;
  readonly #handler: PacketHandler;
  readonly #onClosed: (connection: TcpConnection, reason: string) => void;
  #waiting: { raw: Buffer; onError: (reason: string) => void }[] | undefined;
  #timer: Timer | undefined;
  #lastActiveMs: number;
  /** Set once the connection is open and has carried a message: from then on only idleness ends it. */
  #proven = false;
  #closed = false;

  /** `connecting` is true for a connection that the engine opens: what is sent meanwhile waits. */
  constructor(
    socket: Socket,
    source: Source,
    connecting: boolean,
    parts: {
      limits: EngineLimits;
      clock: Clock;
      framer: MessageFramer;
      handler: PacketHandler;
      onClosed: (connection: TcpConnection, reason: string) => void;
    },
  ) {
    this.source = source;
    this.#socket = socket;
    this.#limits = parts.limits;
    this.#clock = parts.clock;
    this.#framer = parts.framer;
    this.#handler = parts.handler;
    this.#onClosed = parts.onClosed;
    this.#lastActiveMs = parts.clock.now();
    if (connecting) {
      this.#waiting = [];
      socket.once('connect', () => {
        this.#connected();
      });
      this.#arm(this.#limits.tcpConnectMs, 'no answer to the connection attempt');
    } else {
      this.#arm(this.#limits.tcpFirstMessageMs, 'no message on a new connection');
    }
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#onData(chunk);
    });
    socket.on('error', (error) => {
      this.close(error.message);
    });
    socket.on('close', () => {
      this.close('closed by the peer');
    });
  }

  get key(): string {
    return `${this.source.address} ${this.source.port}`;
  }

  send(raw: Buffer, onError: (reason: string) => void): void {
    if (this.#closed) {
      onError('connection closed');
      return;
    }
    if (this.#waiting) {
      this.#waiting.push({ raw, onError });
      return;
    }
    this.#lastActiveMs = this.#clock.now();
    this.#socket.write(raw);
    if (this.#socket.writableLength > this.#limits.tcpBacklogBytes) this.close('the peer does not read');
  }

  /** Idempotent. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#socket.destroy();
    this.#onClosed(this, reason);
    for (const waiting of this.#waiting ?? []) waiting.onError(reason);
    this.#waiting = undefined;
  }

  #connected(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    this.#lastActiveMs = this.#clock.now();
    this.#watchIdle();
    for (const { raw, onError } of waiting) this.send(raw, onError);
  }

  #onData(chunk: Buffer): void {
    const { messages, error, pings } = this.#framer.push(chunk);
    if (messages.length > 0) {
      this.#lastActiveMs = this.#clock.now();
      if (!this.#proven) this.#watchIdle();
    }
    for (let ping = 0; ping < pings; ping++) this.#socket.write(PONG);
    for (const message of messages) this.#handler.onPacket(message, this.source);
    if (error === undefined) return;
    this.#handler.onBadBytes(this.source, error);
    this.close(error);
  }

  #watchIdle(): void {
    this.#proven = true;
    this.#arm(this.#limits.tcpIdleMs - (this.#clock.now() - this.#lastActiveMs), 'idle');
  }

  #arm(delayMs: number, reason: string): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(Math.max(0, delayMs), () => {
      const quietMs = this.#clock.now() - this.#lastActiveMs;
      if (reason === 'idle' && quietMs < this.#limits.tcpIdleMs) this.#watchIdle();
      else this.close(reason);
    });
  }
}
