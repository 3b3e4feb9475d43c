import { isUtf8 } from 'node:buffer';
import type { WebSocket } from 'ws';
import type { Clock, Timer } from '../../common/clock.js';
import type { Wire, WireEvents } from './wire.js';

const CR = 13;
const LF = 10;
const PONG = Buffer.from('\r\n');
/** Rounds of pings without any sign of life that end a connection. */
const SILENT_ROUNDS = 2;

/** SIP messages on a WebSocket (RFC 7118): one in each WebSocket message; text where they are UTF-8. */
export class WebSocketWire implements Wire {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #pingMs: number;
  #timer: Timer | undefined;
  #silentRounds = 0;

  constructor(socket: WebSocket, clock: Clock, pingMs: number) {
    this.#socket = socket;
    this.#clock = clock;
    this.#pingMs = pingMs;
  }

  get backlogBytes(): number {
    return this.#socket.bufferedAmount;
  }

  start(events: WireEvents): void {
    const socket = this.#socket;
    if (socket.readyState === socket.OPEN) {
      this.#pingLater(events);
    } else {
      socket.once('open', () => {
        this.#pingLater(events);
        events.onOpen();
      });
    }
    socket.on('message', (data) => {
      this.#silentRounds = 0;
      const raw = Buffer.isBuffer(data)
        ? data
        : Array.isArray(data)
          ? Buffer.concat(data)
          : Buffer.from(data);
      if (isBlank(raw)) this.#onKeepAlive(raw, events);
      else events.onMessage(raw);
    });
    socket.on('pong', () => {
      this.#silentRounds = 0;
      events.onKeepAlive();
    });
    socket.on('ping', () => {
      events.onKeepAlive();
    });
    socket.on('error', (error) => {
      this.#timer?.cancel();
      events.onClosed(error.message);
    });
    socket.on('close', (code) => {
      this.#timer?.cancel();
      events.onClosed(`closed by the peer (${code})`);
    });
  }

  send(raw: Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    // A failure to write shows as the `error` or `close` of the socket as well.
    this.#socket.send(raw, { binary: !isUtf8(raw) }, () => undefined);
  }

  destroy(): void {
    this.#timer?.cancel();
    this.#socket.terminate();
  }

  /** RFC 7118 6: a double CRLF is answered with one; a single one is the answer to ours, or padding. */
  #onKeepAlive(raw: Buffer, events: WireEvents): void {
    if (raw.length >= 2 * PONG.length) this.send(PONG);
    events.onKeepAlive();
  }

  #pingLater(events: WireEvents): void {
    this.#timer = this.#clock.after(this.#pingMs, () => {
      if (this.#silentRounds >= SILENT_ROUNDS) {
        events.onClosed('no answer to WebSocket pings');
        return;
      }
      this.#silentRounds++;
      this.#socket.ping();
      this.#pingLater(events);
    });
  }
}

function isBlank(raw: Buffer): boolean {
  for (const byte of raw) if (byte !== CR && byte !== LF) return false;
  return true;
}
