import type { Socket } from 'node:net';
import type { Random } from '../../common/random.js';
import { ControlFramer, ControlFrameWriter } from './control-frame.js';
import { parseControlRequest, type ControlRequest } from './control-request.js';

/** What a control connection tells its server. */
export interface ClientSessionEvents {
  onRequest(session: ClientSession, request: ControlRequest): void;
  onClosed(session: ClientSession, reason: string): void;
}

/** Bounds of one control connection, in bytes. */
export interface ClientSessionLimits {
  readonly controlMessageBytes: number;
  readonly controlBacklogBytes: number;
}

/** One application on the control connection. All that is sent in one turn of the event loop leaves in one write. */
export class ClientSession {
  readonly remote: string;
  authenticated = false;
  tags: readonly string[] = [];
  readonly #socket: Socket;
  readonly #events: ClientSessionEvents;
  readonly #limits: ClientSessionLimits;
  readonly #random: Random;
  readonly #framer: ControlFramer;
  readonly #writer = new ControlFrameWriter();
  #flushQueued = false;
  #ending = false;
  #closed = false;

  constructor(socket: Socket, limits: ClientSessionLimits, random: Random, events: ClientSessionEvents) {
    this.remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    this.#socket = socket;
    this.#events = events;
    this.#limits = limits;
    this.#random = random;
    this.#framer = new ControlFramer(limits.controlMessageBytes);
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.on('data', (chunk: Buffer) => {
      this.#onData(chunk);
    });
    socket.on('error', (error) => {
      this.#finish(error.message);
    });
    socket.on('close', () => {
      this.#finish('connection closed');
    });
  }

  /** Bytes that wait for the application to read. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  get open(): boolean {
    return !this.#closed && !this.#ending;
  }

  /** Queues `messageId|leader` and, after it, the SIP message. */
  send(leader: string, sip?: Buffer): void {
    if (this.#closed) return;
    this.#writer.add(`${this.#random.uuid()}|${leader}`, sip);
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    setImmediate(() => {
      this.#flush();
    });
  }

  /** Answers a message of the application: `status` is OK, NOK (SIP failures) or NO (protocol faults). */
  respond(requestId: string, status: 'OK' | 'NOK' | 'NO', rest = '', sip?: Buffer): void {
    this.send(
      rest === '' ? `response|${requestId}|${status}` : `response|${requestId}|${status}|${rest}`,
      sip,
    );
  }

  /** Sends what is queued, then closes. Nothing more is read. */
  end(): void {
    if (this.#closed || this.#ending) return;
    this.#flush();
    this.#ending = true;
    this.#socket.end();
  }

  /** Closes at once. Idempotent. */
  close(): void {
    this.#socket.destroy();
    this.#finish('closed by the engine');
  }

  #onData(chunk: Buffer): void {
    if (this.#ending) return;
    const { payloads, error } = this.#framer.push(chunk);
    for (const payload of payloads) {
      if (!this.open) return;
      this.#events.onRequest(this, parseControlRequest(payload));
    }
    if (error !== undefined) {
      this.#socket.destroy();
      this.#finish(`control message: ${error}`);
    }
  }

  #flush(): void {
    this.#flushQueued = false;
    if (this.#closed || this.#ending) return;
    for (const buffer of this.#writer.take()) this.#socket.write(buffer);
    if (this.#socket.writableLength > this.#limits.controlBacklogBytes) {
      this.#socket.destroy();
      this.#finish('the application does not read its control connection');
    }
  }

  #finish(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.onClosed(this, reason);
  }
}
