import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Logger } from '../../common/log.js';
import { listenFailed } from '../listen-failed.js';
import type { ListenOptions } from '../engine-options.js';
import { makeListener } from './make-listener.js';
import type { Listener, PacketHandler } from './listener.js';
import type { Source } from '../../sip/transaction/transport.js';
import { isStun } from './stun.js';

/** Bursts of calls arrive faster than one turn of the loop reads them. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** The shortest SIP message there can be is longer; what is shorter is a keep-alive (RFC 5626 3.5.1). */
const KEEP_ALIVE_BYTES = 4;

function isKeepAlive(raw: Buffer): boolean {
  return raw.length <= KEEP_ALIVE_BYTES || raw.every((byte) => byte === 13 || byte === 10 || byte === 0);
}

/** What a UDP socket tells besides SIP. */
export interface UdpEvents {
  /** What a client sends to learn its address and to keep its NAT open (RFC 5626 4.4.2), or the answer to ours. */
  onStun(raw: Buffer, source: Source): void;
  /** The system took a datagram to there not. */
  onSendError(to: { address: string; port: number }): void;
}

/** One UDP listening socket. */
export class UdpTransport {
  readonly listener: Listener;
  readonly #socket: Socket;
  #closed = false;
  #sendFailures = 0;
  readonly #onSent: (error: Error | null) => void;

  private constructor(
    socket: Socket,
    listener: Listener,
    handler: PacketHandler,
    events: UdpEvents,
    log: Logger,
  ) {
    this.#socket = socket;
    this.listener = listener;
    socket.on('message', (raw, from) => {
      if (isKeepAlive(raw)) return;
      const source: Source = {
        transport: 'udp',
        address: from.address,
        port: from.port,
        localAddress: listener.address,
        localPort: listener.port,
      };
      if (raw[0]! < 4 && isStun(raw)) events.onStun(raw, source);
      else handler.onPacket(raw, source);
    });
    const failed = (error: Error): void => {
      if (this.#sendFailures++ === 0) log.warn({ err: error, port: listener.port }, 'UDP socket error');
    };
    socket.on('error', failed);
    // One for all datagrams: the error names the destination.
    this.#onSent = (error) => {
      if (!error) return;
      failed(error);
      if ('address' in error && 'port' in error)
        events.onSendError({ address: String(error.address), port: Number(error.port) });
    };
  }

  /** Binds. Rejects with `engine_listen_failed`. */
  static async listen(
    options: ListenOptions,
    handler: PacketHandler,
    events: UdpEvents,
    log: Logger,
  ): Promise<UdpTransport> {
    const family = isIPv6(options.address) ? 6 : 4;
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      // Addresses are numeric by the time they come here: the system resolver must not cost a turn per datagram.
      lookup: (hostname, _options, callback) => {
        callback(null, hostname, family);
      },
    });
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error): void => {
        socket.close();
        reject(listenFailed('udp', options.address, options.port, error));
      };
      socket.once('error', onError);
      socket.bind({ port: options.port, address: options.address, exclusive: true }, () => {
        socket.off('error', onError);
        resolve();
      });
    });
    try {
      socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
      socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
    } catch (error) {
      log.info({ err: error }, 'the system refused large UDP socket buffers: bursts may be lost');
    }
    return new UdpTransport(socket, makeListener(options, socket.address().port), handler, events, log);
  }

  /** Datagrams that the system did not take. */
  get sendFailures(): number {
    return this.#sendFailures;
  }

  send(raw: Buffer, to: { readonly address: string; readonly port: number }): void {
    if (this.#closed) return;
    this.#socket.send(raw, to.port, to.address, this.#onSent);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => {
      this.#socket.close(resolve);
    });
  }
}
