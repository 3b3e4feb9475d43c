import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { SipMessage } from '../../sip/message.js';
import type { Destination, Outbound } from '../../sip/transaction/transport.js';
import type { EngineLimits, EngineTransport, ListenOptions } from '../engine-options.js';
import type { SipTap } from '../sip-tap.js';
import type { Listener, PacketHandler } from './listener.js';
import { isWildcard, machineAddresses } from './make-listener.js';
import type { MessageFramer } from './tcp-connection.js';
import { TcpTransport } from './tcp-transport.js';
import { UdpTransport } from './udp-transport.js';

/** What the transports are built from. `onSendFailed` hears of what could not be sent, never from within `send`. */
export interface TransportsParts {
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tap: SipTap;
  readonly handler: PacketHandler;
  readonly newFramer: () => MessageFramer;
  readonly onSendFailed: (
    destination: Destination,
    transactionId: string | undefined,
    reason: string,
  ) => void;
}

const DEFAULT_SIP_PORT = 5060;

/** All listening sockets. Sends by the socket a destination names, or by the first of its transport. */
export class Transports implements Outbound {
  readonly #parts: TransportsParts;
  readonly #udp: UdpTransport[] = [];
  readonly #tcp: TcpTransport[] = [];
  readonly #machine = machineAddresses();
  #sent = 0;

  constructor(parts: TransportsParts) {
    this.#parts = parts;
  }

  /** Binds one listener after the other; closes those already bound when one fails. Rejects with `engine_listen_failed`. */
  async listen(options: readonly ListenOptions[]): Promise<void> {
    try {
      for (const option of options) {
        if (option.transport === 'udp')
          this.#udp.push(await UdpTransport.listen(option, this.#parts.handler, this.#parts.log));
        else this.#tcp.push(await TcpTransport.listen(option, this.#parts));
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get listeners(): Listener[] {
    return [...this.#udp, ...this.#tcp].map((transport) => transport.listener);
  }

  get sent(): number {
    return this.#sent;
  }

  get tcpConnections(): number {
    return this.#tcp.reduce((sum, transport) => sum + transport.connections, 0);
  }

  /** The listener that a message to or from there uses; undefined when the engine does not speak that transport. */
  listenerFor(at: { transport: string; localAddress?: string; localPort?: number }): Listener | undefined {
    return this.#pick(at)?.listener;
  }

  has(transport: EngineTransport): boolean {
    return (transport === 'udp' ? this.#udp : this.#tcp).length > 0;
  }

  /** Whether the connection is still open. */
  isConnected(connectionId: string | undefined): boolean {
    return this.#tcp.some((transport) => transport.has(connectionId));
  }

  /** Whether the address is one of ours: a request there would come back to the engine. */
  isOwn(address: string, port: number, transport: string): boolean {
    return this.listeners.some(
      (listener) =>
        listener.transport === transport &&
        ((listener.port === port &&
          (listener.address === address || (isWildcard(listener.address) && this.#machine.has(address)))) ||
          (listener.advertisedPort === port && listener.host === address)),
    );
  }

  sentBy(destination: Destination): string {
    return this.#pick(destination)?.listener.sentBy ?? 'invalid';
  }

  send(
    destination: Destination,
    bytes: Buffer,
    transactionId: string | undefined,
    message?: SipMessage,
  ): void {
    const via = this.#pick(destination);
    if (!via) {
      this.#failLater(destination, transactionId, `no ${destination.transport} listener`);
      return;
    }
    this.#sent++;
    this.#parts.tap.outgoing(bytes, via.listener, destination);
    if (via instanceof UdpTransport) {
      via.send(bytes, destination);
      return;
    }
    via.send(bytes, this.#reachable(via, destination, message), (reason) => {
      this.#failLater(destination, transactionId, reason);
    });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#udp, ...this.#tcp].map((transport) => transport.close()));
  }

  #pick(at: {
    transport: string;
    localAddress?: string;
    localPort?: number;
  }): UdpTransport | TcpTransport | undefined {
    const candidates: (UdpTransport | TcpTransport)[] =
      at.transport === 'udp' ? this.#udp : at.transport === 'tcp' ? this.#tcp : [];
    if (at.localPort === undefined || candidates.length === 1) return candidates[0];
    return (
      candidates.find(
        ({ listener }) => listener.port === at.localPort && listener.address === at.localAddress,
      ) ?? candidates[0]
    );
  }

  /** RFC 3261 18.2.2: a response whose connection has gone opens one to the sent-by port. */
  #reachable(via: TcpTransport, destination: Destination, message: SipMessage | undefined): Destination {
    if (message?.kind !== 'response' || via.has(destination.connectionId)) return destination;
    const { transport, address, localAddress, localPort } = destination;
    const port = message.headers.topVia()?.port ?? DEFAULT_SIP_PORT;
    return {
      transport,
      address,
      port,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(localPort === undefined ? {} : { localPort }),
    };
  }

  #failLater(destination: Destination, transactionId: string | undefined, reason: string): void {
    setImmediate(() => {
      this.#parts.onSendFailed(destination, transactionId, reason);
    });
  }
}
