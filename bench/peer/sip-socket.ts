import { createSocket, type Socket } from 'node:dgram';
import { BenchError } from '../common/bench-error.js';

/** A SIP message and when it came (performance.now). */
export type OnMessage = (message: string, atMs: number) => void;

const BUFFER_BYTES = 4_194_304;

/** One UDP socket on loopback that speaks to the node. `close` is idempotent. */
export class SipSocket {
  readonly port: number;
  readonly #socket: Socket;
  readonly #nodePort: number;
  #open = true;

  private constructor(socket: Socket, port: number, nodePort: number) {
    this.#socket = socket;
    this.port = port;
    this.#nodePort = nodePort;
  }

  /** @throws BenchError where the port is taken. */
  static async open(port: number, nodePort: number, onMessage: OnMessage): Promise<SipSocket> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => {
        reject(new BenchError('port_taken', error.message, `Free UDP port ${port}.`));
      });
      socket.bind(port, '127.0.0.1', resolve);
    });
    socket.on('message', (bytes) => {
      const atMs = performance.now();
      onMessage(bytes.toString('latin1'), atMs);
    });
    await new Promise<void>((resolve, reject) => {
      socket.connect(nodePort, '127.0.0.1', (error?: Error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    return new SipSocket(socket, port, nodePort);
  }

  /** Sends to the node; returns when it was handed to the kernel (performance.now). */
  send(message: string): number {
    const atMs = performance.now();
    if (this.#open) this.#socket.send(message);
    return atMs;
  }

  get nodePort(): number {
    return this.#nodePort;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#socket.close();
  }
}
