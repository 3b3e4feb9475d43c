import { isIP } from 'node:net';
import type { Clock } from '../../common/clock.js';
import type { Logger } from '../../common/log.js';
import type { SipMessage } from '../../sip/message.js';
import type { Destination, Outbound, Source } from '../../sip/transaction/transport.js';
import { asksForAlias } from '../../sip/via.js';
import type { Random } from '../../common/random.js';
import type {
  EngineLimits,
  EngineTransport,
  KeepAliveOptions,
  ListenOptions,
  TlsPeerOptions,
} from '../engine-options.js';
import type { SipTap } from '../sip-tap.js';
import { ConnectionQuota } from './connection-quota.js';
import { ConnectionTable } from './connection-table.js';
import { ConnectionTransport, type ConnectionParts } from './connection-transport.js';
import { FlowTable } from './flow-table.js';
import type { Listener, PacketHandler } from './listener.js';
import { familyOf, type IpFamily, ListenerChoice, type LocalSide } from './listener-choice.js';
import { DEFAULT_PORTS, isWildcard, machineAddresses } from './make-listener.js';
import { PortProbe } from './port-probe.js';
import { bareHost, type FindBackups, responseRoute, responseVia, sendToBackups } from './response-route.js';
import { parseStun, stunSuccess } from './stun.js';
import { listenTcp } from './tcp-transport.js';
import { TlsPeers } from './tls-settings.js';
import { listenTls } from './tls-transport.js';
import { UdpKeepAlive } from './udp-keep-alive.js';
import { UdpTransport } from './udp-transport.js';
import type { MessageFramer } from './wire.js';
import { listenWs } from './ws-transport.js';

/** What the transports are built from. `onSendFailed` hears of what could not be sent, never from within `send`. */
export interface TransportsParts {
  readonly limits: EngineLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly keepAlive: KeepAliveOptions;
  /** Whether UDP targets that do not answer are asked whether their port is open. */
  readonly probe: boolean;
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
  /** The requests that went there, and that nothing has answered, failed. `dead`: new ones had better go elsewhere. */
  readonly onPathLost: (isOn: (destination: Destination) => boolean, dead: Destination | undefined) => void;
  readonly findBackups: FindBackups;
}

/** Counters of the transports; all but `connections` count since the start. */
export interface TransportCounts {
  readonly sent: number;
  /** Open connections of every kind, and those that are being opened. */
  readonly connections: number;
  readonly refusedConnections: number;
  readonly keepAlivesSent: number;
  /** Connections and UDP targets given up as keep-alives went unanswered. */
  readonly pathsSilent: number;
  /** UDP targets whose port was found closed. */
  readonly portsClosed: number;
  readonly udpSendFailures: number;
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
  readonly #probe: PortProbe;
  readonly #udpKeepAlive: UdpKeepAlive;
  #sent = 0;
  #keepAlivesSent = 0;
  #pathsSilent = 0;

  constructor(parts: TransportsParts) {
    this.#parts = parts;
    this.#quota = new ConnectionQuota(parts.limits, parts.log);
    this.#probe = new PortProbe(parts.clock, (target) => {
      this.#udpLost(target);
    });
    this.#udpKeepAlive = new UdpKeepAlive({
      options: parts.keepAlive,
      clock: parts.clock,
      random: parts.random,
      log: parts.log,
      send: (raw, destination) => {
        this.#keepAlivesSent++;
        const via = this.#choice.pick(destination);
        if (via instanceof UdpTransport) via.send(raw, destination);
      },
      lost: (destination) => {
        this.#pathsSilent++;
        this.#udpLost(destination);
      },
    });
  }

  /**
   * Binds one listener after the other; closes those already bound when one fails. Rejects with
   * `engine_listen_failed`, `engine_no_certificate` or `tls_files`.
   */
  async listen(options: readonly ListenOptions[]): Promise<void> {
    const { log, tlsPeers = [] } = this.#parts;
    const handler = this.#listening(this.#parts.handler);
    const parts: ConnectionParts = {
      ...this.#parts,
      handler,
      table: this.#table,
      quota: this.#quota,
      onPing: () => {
        this.#keepAlivesSent++;
      },
      onLost: ({ source, ours }, end) => {
        if (end === 'silent') this.#pathsSilent++;
        this.#parts.onPathLost(
          (to) => to.connectionId === source.connectionId || (ours && isSame(to, source)),
          end === 'silent' ? source : undefined,
        );
      },
    };
    const udpEvents = {
      onStun: (raw: Buffer, source: Source) => {
        this.#onStun(raw, source);
      },
      onSendError: (to: { address: string; port: number }) => {
        this.#udpLost(to);
      },
    };
    try {
      const peers = this.#peers;
      peers.set(tlsPeers);
      for (const option of options) {
        const bound =
          option.transport === 'udp'
            ? await UdpTransport.listen(option, handler, udpEvents, log)
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

  counts(): TransportCounts {
    return {
      sent: this.#sent,
      connections: this.#table.size,
      refusedConnections: this.#quota.refused,
      keepAlivesSent: this.#keepAlivesSent,
      pathsSilent: this.#pathsSilent,
      portsClosed: this.#probe.closedPorts,
      udpSendFailures: this.#all.reduce(
        (sum, one) => sum + (one instanceof UdpTransport ? one.sendFailures : 0),
        0,
      ),
    };
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

  /**
   * Uses the connection of a request for requests to its peer too, where its Via asks for that (RFC 5923): with TLS when
   * the certificate of the peer stands for the sent-by host; with TCP when the host is the address that it comes from
   * and that is one to be trusted.
   */
  noteAlias(message: SipMessage, source: Source, trusted: (address: string) => boolean): void {
    const line = message.headers.get('via');
    if (source.connectionId === undefined || line === undefined || !line.includes('alias')) return;
    const via = message.headers.topVia();
    const connection = this.#table.get(source.connectionId);
    if (!via || !connection || connection.ours || !asksForAlias(line, via)) return;
    const host = bareHost(via.host);
    const may =
      source.transport === 'tls'
        ? connection.speaksFor?.(host) === true
        : source.transport === 'tcp' && host === source.address && trusted(host);
    if (may) this.#table.addAlias(connection, via.port ?? DEFAULT_PORTS[source.transport]);
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
          (listener.advertisedPort === port && bareHost(listener.host) === address)),
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
      if (transactionId === undefined) return;
      if (message?.kind === 'request') this.#udpKeepAlive.note(destination);
      // Nothing has answered: it is sent again.
      else if (!message && this.#parts.probe && bytes.toString('latin1', 0, 4) !== 'SIP/')
        this.#probe.ask({ ...destination, localAddress: via.listener.address });
      return;
    }
    this.#sendOnConnection(via, destination, bytes, transactionId, message);
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
    this.#probe.close();
    this.#udpKeepAlive.close();
    await Promise.all(this.#all.map((transport) => transport.close()));
  }

  #sendOnConnection(
    over: ConnectionTransport,
    destination: Destination,
    bytes: Buffer,
    transactionId: string | undefined,
    message: SipMessage | undefined,
  ): void {
    const failed = (reason: string): void => {
      this.#failLater(destination, transactionId, reason);
    };
    if (this.isConnected(destination.connectionId)) {
      over.send(bytes, destination, failed);
      return;
    }
    const via = responseVia(bytes, message);
    if (!via) {
      const isSocket = destination.transport === 'ws' || destination.transport === 'wss';
      if (isSocket && destination.connectionId !== undefined) failed('connection closed');
      else over.send(bytes, destination, failed);
      return;
    }
    const route = responseRoute(destination, via);
    if (!route) {
      failed('connection closed');
      return;
    }
    over.send(bytes, route, (reason) => {
      // What has no transaction was not worth keeping: it is not worth asking DNS either.
      if (transactionId === undefined) failed(reason);
      else
        sendToBackups(
          () => this.#parts.findBackups(via, destination.transport),
          route,
          (to, onError) => {
            over.send(bytes, to, onError);
          },
          failed,
        ).catch((error: unknown) => {
          this.#parts.log.info({ err: error }, 'no other place for a response was found');
          failed(reason);
        });
    });
  }

  /** Shows what comes in to the probe first, while it has doubts. */
  #listening(handler: PacketHandler): PacketHandler {
    return {
      onPacket: (raw, source) => {
        if (this.#probe.doubts) this.#probe.heard(source);
        handler.onPacket(raw, source);
      },
      onBadBytes: (source, reason, raw) => {
        handler.onBadBytes(source, reason, raw);
      },
      admits: (address) => handler.admits(address),
    };
  }

  #onStun(raw: Buffer, source: Source): void {
    const message = parseStun(raw);
    if (message?.kind === 'success') this.#udpKeepAlive.onAnswer(message, source);
    if (message?.kind !== 'request' || !this.#parts.handler.admits(source.address)) return;
    const via = this.#choice.pick(source);
    if (via instanceof UdpTransport) via.send(stunSuccess(message.id, source), source);
  }

  #udpLost({ address, port }: { address: string; port: number }): void {
    const dead: Destination = { transport: 'udp', address, port };
    this.#parts.onPathLost((to) => isSame(to, dead), dead);
  }

  #failLater(destination: Destination, transactionId: string | undefined, reason: string): void {
    setImmediate(() => {
      this.#parts.onSendFailed(destination, transactionId, reason);
    });
  }
}

function isSame(one: Destination, other: Destination): boolean {
  return one.transport === other.transport && one.address === other.address && one.port === other.port;
}
