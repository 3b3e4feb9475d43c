import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { EmitterImpl, TransportState, type Transport } from 'sip.js';
import { messageOf } from '../common/errors.js';
import {
  hopOfResponse,
  isRequest,
  markSource,
  nextHopOfRequest,
  stampContact,
  stampVia,
  topVia,
  unstampVia,
  type Hop,
} from './sip-routing.js';
import { StreamFraming } from './stream-framing.js';

/** Requests whose connection is remembered for their responses. */
const REMEMBERED_REQUESTS = 2000;
const PORT_ATTEMPTS = 20;

/** A message as it stood on the wire, for traces and tests. */
export interface WireMessage {
  readonly direction: 'in' | 'out';
  readonly peer: Hop;
  readonly text: string;
}

export interface SipjsTransportOptions {
  /** Address to listen on and to write into Via; a loopback IPv4 address in the demonstration. */
  readonly host: string;
  /** 0 takes a free port, the same for TCP and UDP. */
  readonly port: number;
  /** Used where a URI names no transport. TCP by default: sip.js does not retransmit over UDP. */
  readonly preferred?: 'tcp' | 'udp';
  readonly onWire?: (message: WireMessage) => void;
}

/**
 * A sip.js transport for Node: listens on TCP and UDP, connects where a message needs it, and decides the
 * destination of each message as RFC 3261 sections 8.1.2 and 18.2.2 say.
 */
export class SipjsTransport implements Transport {
  readonly stateChange = new EmitterImpl<TransportState>();
  onConnect: (() => void) | undefined;
  onDisconnect: ((error?: Error) => void) | undefined;
  onMessage: ((message: string) => void) | undefined;
  readonly #options: SipjsTransportOptions;
  #state = TransportState.Disconnected;
  #port = 0;
  #server: Server | null = null;
  #udp: UdpSocket | null = null;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<string, Promise<Socket>>();
  readonly #requestSockets = new Map<string, Socket>();
  #dropped = 0;

  constructor(_logger: unknown, options: SipjsTransportOptions) {
    this.#options = options;
  }

  /** sip.js writes this into Via; the transport corrects it per message. */
  get protocol(): string {
    return this.#preferred.toUpperCase();
  }

  get state(): TransportState {
    return this.#state;
  }

  /** The port bound, once connected. */
  get port(): number {
    return this.#port;
  }

  /** Messages that could not be understood or that answered nothing of ours. */
  get dropped(): number {
    return this.#dropped;
  }

  isConnected(): boolean {
    return this.#state === TransportState.Connected;
  }

  async connect(): Promise<void> {
    if (this.#state !== TransportState.Disconnected) return;
    this.#enter(TransportState.Connecting);
    try {
      await this.#bind();
    } catch (error) {
      this.#enter(TransportState.Disconnected);
      throw error;
    }
    this.#enter(TransportState.Connected);
    this.onConnect?.();
  }

  async disconnect(): Promise<void> {
    if (this.#state !== TransportState.Connected) return;
    this.#enter(TransportState.Disconnecting);
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([closing(this.#server), closing(this.#udp)]);
    this.#enter(TransportState.Disconnected);
    this.onDisconnect?.();
  }

  dispose(): Promise<void> {
    return this.disconnect();
  }

  async send(message: string): Promise<void> {
    if (!this.isConnected()) throw new Error('the transport is closed');
    if (isRequest(message)) {
      const hop = nextHopOfRequest(message, this.#preferred);
      const local: Hop = { protocol: hop.protocol, host: this.#options.host, port: this.#port };
      await this.#transmit(hop, stampVia(message, local));
      return;
    }
    const via = topVia(message);
    if (via === null) throw new Error('a response without a Via goes nowhere');
    const socket = this.#requestSockets.get(via.key);
    if (socket?.writable === true) await this.#write(socket, stampContact(message, 'tcp'));
    else await this.#transmit(hopOfResponse(via), message);
  }

  get #preferred(): 'tcp' | 'udp' {
    return this.#options.preferred ?? 'tcp';
  }

  #enter(state: TransportState): void {
    this.#state = state;
    this.stateChange.emit(state);
  }

  async #bind(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const server = createServer((socket) => {
        this.#adopt(socket);
      });
      const udp = createSocket('udp4');
      try {
        await listening(server, this.#options.port, this.#options.host);
        this.#port = boundPort(server);
        await bound(udp, this.#port, this.#options.host);
        this.#server = server;
        this.#udp = udp;
        break;
      } catch (error) {
        await Promise.all([closing(server), closing(udp)]);
        if (this.#options.port !== 0 || attempt === PORT_ATTEMPTS) throw error;
      }
    }
    this.#udp.on('message', (datagram, from) => {
      const peer: Hop = { protocol: 'udp', host: from.address, port: from.port };
      const text = datagram.toString('utf8');
      if (text.trim() !== '') this.#receive(text, peer, null);
    });
    this.#udp.on('error', () => {
      this.#dropped++;
    });
  }

  async #transmit(hop: Hop, message: string): Promise<void> {
    const text = stampContact(message, hop.protocol);
    if (hop.protocol === 'tcp') {
      await this.#write(await this.#connectionTo(hop), text);
      return;
    }
    this.#trace('out', hop, text);
    const udp = this.#udp;
    if (udp === null) throw new Error('the transport is closed');
    await new Promise<void>((resolve, reject) => {
      udp.send(text, hop.port, hop.host, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  #write(socket: Socket, text: string): Promise<void> {
    this.#trace('out', peerOf(socket), text);
    return new Promise((resolve, reject) => {
      socket.write(text, (error) => {
        if (!error) resolve();
        else reject(error);
      });
    });
  }

  #connectionTo(hop: Hop): Promise<Socket> {
    const key = `${hop.host}:${hop.port}`;
    const existing = this.#connections.get(key);
    if (existing !== undefined) return existing;
    const opening = new Promise<Socket>((resolve, reject) => {
      const socket = connect({ host: hop.host, port: hop.port, localAddress: this.#options.host });
      this.#adopt(socket);
      socket.once('connect', () => {
        resolve(socket);
      });
      socket.once('error', reject);
      socket.once('close', () => {
        this.#connections.delete(key);
        reject(new Error(`connection to ${key} closed`));
      });
    });
    this.#connections.set(key, opening);
    return opening;
  }

  #adopt(socket: Socket): void {
    const framing = new StreamFraming();
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      try {
        for (const message of framing.push(bytes)) this.#receive(message, peerOf(socket), socket);
      } catch {
        this.#dropped++;
        socket.destroy();
      }
    });
    socket.on('error', () => {
      this.#dropped++;
    });
    socket.on('close', () => {
      this.#sockets.delete(socket);
      for (const [key, one] of this.#requestSockets) if (one === socket) this.#requestSockets.delete(key);
    });
  }

  #receive(text: string, peer: Hop, socket: Socket | null): void {
    this.#trace('in', peer, text);
    const via = topVia(text);
    if (via === null || !this.isConnected()) {
      this.#dropped++;
      return;
    }
    if (!isRequest(text)) {
      // RFC 3261 section 18.1.2: a response whose sent-by is not ours answers somebody else.
      if (via.host !== this.#options.host || via.port !== this.#port) this.#dropped++;
      else this.onMessage?.(unstampVia(text, { host: this.#options.host, port: this.#port }));
      return;
    }
    if (socket !== null) this.#remember(via.key, socket);
    this.onMessage?.(markSource(text, peer));
  }

  #remember(key: string, socket: Socket): void {
    this.#requestSockets.delete(key);
    this.#requestSockets.set(key, socket);
    if (this.#requestSockets.size <= REMEMBERED_REQUESTS) return;
    const [oldest] = this.#requestSockets.keys();
    if (oldest !== undefined) this.#requestSockets.delete(oldest);
  }

  #trace(direction: 'in' | 'out', peer: Hop, text: string): void {
    this.#options.onWire?.({ direction, peer, text });
  }
}

function peerOf(socket: Socket): Hop {
  return { protocol: 'tcp', host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
}

function boundPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Error(`cannot listen on TCP ${host}:${port}: ${messageOf(error)}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

function bound(socket: UdpSocket, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      reject(new Error(`cannot listen on UDP ${host}:${port}: ${messageOf(error)}`, { cause: error }));
    });
    socket.bind(port, host, resolve);
  });
}

function closing(resource: Server | UdpSocket | null): Promise<void> {
  return new Promise((resolve) => {
    if (resource === null) resolve();
    else if ('listening' in resource && !resource.listening) resolve();
    else
      resource.close(() => {
        resolve();
      });
  });
}
