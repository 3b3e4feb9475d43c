import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Logger } from '../../common/log.js';
import { listenFailed } from '../listen-failed.js';
import type { ListenOptions } from '../engine-options.js';
import { makeListener } from './make-listener.js';
import type { Listener, PacketHandler } from './listener.js';
import type { Destination } from '../../sip/transaction/transport.js';

/** Bursts of calls arrive faster than one turn of the loop reads them. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** The shortest SIP message there can be is longer; what is shorter is a keep-alive (RFC 5626 3.5.1). */
const KEEP_ALIVE_BYTES = 4;

/** RFC 8489 5: what a client sends to keep its NAT open (RFC 5626 3.5.2) begins with a small number and has this cookie. */
const STUN_COOKIE = 0x2112a442;
const STUN_HEADER_BYTES = 20;

function isKeepAlive(raw: Buffer): boolean {
  return (
    raw.length <= KEEP_ALIVE_BYTES ||
    (raw[0]! < 4 && raw.length >= STUN_HEADER_BYTES && raw.readUInt32BE(4) === STUN_COOKIE) ||
    raw.every((byte) => byte === 13 || byte === 10 || byte === 0)
  );
}

/** One UDP listening socket. */
export class UdpTransport {
  readonly listener: Listener;
  readonly #socket: Socket;
  #closed = false;
  #sendFailures = 0;

  private constructor(socket: Socket, listener: Listener, handler: PacketHandler, log: Logger) {
    this.#socket = socket;
    this.listener = listener;
    socket.on('message', (raw, from) => {
      if (isKeepAlive(raw)) return;
      handler.onPacket(raw, {
        transport: 'udp',
        address: from.address,
        port: from.port,
        localAddress: listener.address,
        localPort: listener.port,
      });
    });
    socket.on('error', (error) => {
      if (this.#sendFailures++ === 0) log.warn({ err: error, port: listener.port }, 'UDP socket error');
    });
  }

  /** Binds. Rejects with `engine_listen_failed`. */
  static async listen(options: ListenOptions, handler: PacketHandler, log: Logger): Promise<UdpTransport> {
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
    return new UdpTransport(socket, makeListener(options, socket.address().port), handler, log);
  }

  /** Datagrams that the system did not take, reported asynchronously. */
  get sendFailures(): number {
    return this.#sendFailures;
  }

  send(raw: Buffer, to: Destination): void {
    if (this.#closed) return;
    this.#socket.send(raw, to.port, to.address);
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
