import { isIP } from 'node:net';
import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { SipMessage } from '../../sip/message.js';
import type { Destination, Outbound, Source } from '../../sip/transaction/transport.js';
import type { EngineLimits, EngineTransport, ListenOptions, TlsPeerOptions } from '../engine-options.js';
import type { SipTap } from '../sip-tap.js';
import { ConnectionQuota } from './connection-quota.js';
import { ConnectionTable } from './connection-table.js';
import { ConnectionTransport, type ConnectionParts } from './connection-transport.js';
import { FlowTable } from './flow-table.js';
import type { Listener, PacketHandler } from './listener.js';
import { familyOf, type IpFamily, ListenerChoice, type LocalSide } from './listener-choice.js';
import { DEFAULT_PORTS, isWildcard, machineAddresses } from './make-listener.js';
import { listenTcp } from './tcp-transport.js';
import { TlsPeers } from './tls-settings.js';
import { listenTls } from './tls-transport.js';
import { UdpTransport } from './udp-transport.js';
import type { MessageFramer } from './wire.js';
import { listenWs } from './ws-transport.js';

/** What the transports are built from. `onSendFailed` hears of what could not be sent, never from within `send`. */
export interface TransportsParts {
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tap: SipTap;
  readonly handler: PacketHandler;
  readonly newFramer: () => MessageFramer;
  readonly tlsPeers?: readonly TlsPeerOptions[];
  readonly onSendFailed: (
    destination: Destination,
    transactionId: string | undefined,
    reason: string,
  ) => void;
}

type AnyTransport = UdpTransport | ConnectionTransport;

/** All listening sockets. Sends by the socket a destination names, or by the one that fits it best. */
export class Transports implements Outbound {
  readonly #parts: TransportsParts;
  readonly #table = new ConnectionTable();
  readonly #quota: ConnectionQuota;
  readonly #all: AnyTransport[] = [];
  readonly #choice = new ListenerChoice<AnyTransport>();
  readonly #machine = machineAddresses();
  readonly #peers = new TlsPeers();
  readonly #flows = new FlowTable((id) => this.#table.get(id) !== undefined);
  #sent = 0;

  constructor(parts: TransportsParts) {
    this.#parts = parts;
    this.#quota = new ConnectionQuota(parts.limits, parts.log);
  }

  /**
   * Binds one listener after the other; closes those already bound when one fails. Rejects with
   * `engine_listen_failed`, `engine_no_certificate` or `tls_files`.
   */
  async listen(options: readonly ListenOptions[]): Promise<void> {
    const { handler, log, tlsPeers = [] } = this.#parts;
    const parts: ConnectionParts = { ...this.#parts, table: this.#table, quota: this.#quota };
    try {
      const peers = this.#peers;
      peers.set(tlsPeers);
      for (const option of options) {
        const bound =
          option.transport === 'udp'
            ? await UdpTransport.listen(option, handler, log)
            : option.transport === 'tcp'
              ? await listenTcp(option, parts)
              : option.transport === 'tls'
                ? await listenTls(option, parts, peers)
                : await listenWs(option, parts, peers);
        this.#all.push(bound);
        this.#choice.add(bound);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get listeners(): Listener[] {
    return this.#all.map((transport) => transport.listener);
  }

  get sent(): number {
    return this.#sent;
  }

  /** Open connections of every kind, and those that are being opened. */
  get connections(): number {
    return this.#table.size;
  }

  get refusedConnections(): number {
    return this.#quota.refused;
  }

  /** The listener that a message to or from there uses; undefined when the engine does not speak that transport. */
  listenerFor(at: LocalSide): Listener | undefined {
    return this.#choice.pick(at)?.listener;
  }

  /** Whether there is a listener for that transport, and that address family if one is given. */
  has(transport: EngineTransport, family?: IpFamily): boolean {
    return this.#choice.has(transport, family);
  }

  /** Whether the connection is still open. */
  isConnected(connectionId: string | undefined): boolean {
    return this.#table.get(connectionId) !== undefined;
  }

  /** Remembers the connection behind a Contact host that no resolver knows. */
  noteFlow(host: string, source: Source): void {
    this.#flows.note(host, source);
  }

  /** The connection behind such a host. */
  flowOf(host: string): Source | undefined {
    return this.#flows.find(host);
  }

  /** Whether the address is one of ours: a request there would come back to the engine. */
  isOwn(address: string, port: number, transport: string): boolean {
    const family = familyOf(address);
    return this.#all.some(
      ({ listener }) =>
        listener.transport === transport &&
        ((listener.port === port &&
          (listener.address === address ||
            (isWildcard(listener.address) &&
              familyOf(listener.address) === family &&
              this.#machine.has(address)))) ||
          (listener.advertisedPort === port && bare(listener.host) === address)),
    );
  }

  sentBy(destination: Destination): string {
    return this.#choice.pick(destination)?.listener.sentBy ?? 'invalid';
  }

  send(
    destination: Destination,
    bytes: Buffer,
    transactionId: string | undefined,
    message?: SipMessage,
  ): void {
    const via = this.#choice.pick(destination);
    if (!via) {
      this.#failLater(destination, transactionId, `no ${destination.transport} listener`);
      return;
    }
    // A peer's Via or Contact may say port 0 or a name: a socket would throw, or ask DNS for a stranger.
    if (destination.port < 1 || destination.port > 65_535 || isIP(destination.address) === 0) {
      this.#failLater(destination, transactionId, 'no address to send to');
      return;
    }
    this.#sent++;
    this.#parts.tap.outgoing(bytes, via.listener, destination);
    if (via instanceof UdpTransport) {
      via.send(bytes, destination);
      return;
    }
    const reachable = this.#reachable(destination, message);
    if (!reachable) {
      this.#failLater(destination, transactionId, 'connection closed');
      return;
    }
    via.send(bytes, reachable, (reason) => {
      this.#failLater(destination, transactionId, reason);
    });
  }

  /** Reads the certificates of all listeners again. Never throws: what cannot be used is logged, the old ones stay. */
  reloadCertificates(): void {
    for (const transport of this.#all) if (transport instanceof ConnectionTransport) transport.reload();
  }

  /** Meets peers by these settings on new connections. Never throws: what cannot be used is logged, the old ones stay. */
  setTlsPeers(peers: readonly TlsPeerOptions[]): void {
    try {
      this.#peers.set(peers);
    } catch (error) {
      this.#parts.log.error({ err: error }, 'the new TLS settings of peers are not taken: the old ones stay');
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((transport) => transport.close()));
  }

  /**
   * RFC 3261 18.2.2: a response whose connection has gone opens one to the sent-by port. Nobody can open a WebSocket
   * to a browser: there undefined.
   */
  #reachable(destination: Destination, message: SipMessage | undefined): Destination | undefined {
    if (this.isConnected(destination.connectionId)) return destination;
    const isSocket = destination.transport === 'ws' || destination.transport === 'wss';
    if (message?.kind !== 'response') {
      return isSocket && destination.connectionId !== undefined ? undefined : destination;
    }
    if (isSocket) return undefined;
    const { transport, address, localAddress, localPort } = destination;
    const via = message.headers.topVia();
    return {
      transport,
      address,
      port: via?.port ?? DEFAULT_PORTS[transport],
      ...(via === undefined ? {} : { host: bare(via.host) }),
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

function bare(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}
