import type { Clock } from '../../common/clock.js';
import type { SipRequest } from '../../sip/message.js';
import { parseSipUri, type SipUri } from '../../sip/uri.js';
import type { Destination, Source } from '../../sip/transaction/transport.js';
import { RestingTargets } from '../resolver/resting-targets.js';
import type { ResolvedTarget, SipResolver } from '../resolver/sip-resolver.js';
import { familyOf } from '../transport/listener-choice.js';
import type { Transports } from '../transport/transports.js';
import type { EngineTransport } from '../engine-options.js';

/** A place to send to. `upgraded`: by TCP for the size of the request alone. */
export interface Route {
  readonly destination: Destination;
  readonly upgraded: boolean;
}

/** Where a request goes. `lookup` needs the resolver first; `refused` carries the text for the application. */
export type Located =
  /** `others` are to be tried in turn when the destination fails (RFC 3263 4.3). */
  | {
      readonly kind: 'at';
      readonly destination: Destination;
      readonly upgraded: boolean;
      readonly others: readonly Route[];
    }
  | {
      readonly kind: 'lookup';
      readonly targets: Promise<readonly ResolvedTarget[]>;
      readonly at: (targets: readonly ResolvedTarget[]) => Located;
    }
  | { readonly kind: 'refused'; readonly text: string };

/** Room for Via, From, To, Call-ID and the like, which are not there yet when the size of a request is estimated. */
const UNWRITTEN_BYTES = 350;
const TCP_REFUSED_MS = 600_000;
const TCP_REFUSED_ENTRIES = 1_000;

const NO_TRANSPORT = { kind: 'refused', text: 'requested protocol/transport not available' } as const;
const NOT_RESOLVED = { kind: 'refused', text: 'unable to resolve destination' } as const;

/** Chooses transport, address and port for requests: numeric hosts at once, names by the resolver. */
export class TargetLocator {
  readonly #transports: Transports;
  readonly #resolver: SipResolver;
  readonly #clock: Clock;
  readonly #udpRequestBytes: number;
  readonly #resting: RestingTargets;
  readonly #tcpRefused = new Map<string, number>();

  constructor(
    transports: Transports,
    resolver: SipResolver,
    clock: Clock,
    udpRequestBytes: number,
    restMs?: number,
  ) {
    this.#transports = transports;
    this.#resolver = resolver;
    this.#clock = clock;
    this.#udpRequestBytes = udpRequestBytes;
    this.#resting = new RestingTargets(clock, restMs);
  }

  /** `lastSource`, in a dialog: the peer's connection and our socket are used again when they still fit. */
  locate(uri: string, request: SipRequest, lastSource?: Source): Located {
    const target = parseSipUri(uri);
    if (!target)
      return { kind: 'refused', text: `invalid request-uri: ${request.method} ${request.uri} SIP/2.0` };
    const secure = target.scheme === 'sips';
    const flow = this.#flowTo(target, lastSource);
    if (flow) {
      if (secure && flow.transport !== 'tls' && flow.transport !== 'wss') return NO_TRANSPORT;
      return { kind: 'at', destination: flow, upgraded: false, others: [] };
    }
    const host = target.params.get('maddr') ?? target.host;
    if (host.toLowerCase().endsWith('.invalid')) return NOT_RESOLVED;
    const transport = this.#asked(target);
    if (transport === null) return NO_TRANSPORT;
    const query = { host, port: target.port, transport, secure };
    const at = (targets: readonly ResolvedTarget[]): Located =>
      this.#choose(targets, target, transport, request, lastSource);
    const known = this.#resolver.known(query);
    return known ? at(known) : { kind: 'lookup', targets: this.#resolver.resolve(query), at };
  }

  /** Remembers that a peer takes no TCP, so that the next large request does not try it first. */
  noteTcpRefused(destination: Destination): void {
    if (this.#tcpRefused.size >= TCP_REFUSED_ENTRIES) this.#tcpRefused.clear();
    this.#tcpRefused.set(`${destination.address} ${destination.port}`, this.#clock.now() + TCP_REFUSED_MS);
  }

  /** Leaves a destination that failed alone for a while where there are others. */
  noteFailed(destination: Destination, forMs?: number): void {
    this.#resting.rest(destination, forMs);
  }

  /** The destination works. */
  noteWorks(destination: Destination): void {
    this.#resting.wake(destination);
  }

  /** The connection that alone leads there: to a browser (RFC 7118), or where the peer asked for it (`ob`, RFC 5626). */
  #flowTo(target: SipUri, lastSource: Source | undefined): Destination | undefined {
    if (lastSource && this.#transports.isConnected(lastSource.connectionId)) {
      const asked = target.params.get('transport')?.toLowerCase();
      const isSocket = lastSource.transport === 'ws' || lastSource.transport === 'wss';
      if (target.params.has('ob')) return lastSource;
      if (isSocket && (asked === 'ws' || asked === 'wss' || target.host.toLowerCase().endsWith('.invalid')))
        return lastSource;
    }
    return this.#transports.flowOf(target.host);
  }

  /** The transport that the URI asks for; undefined where it leaves it open, null where it asks for what cannot be. */
  #asked(target: SipUri): EngineTransport | undefined | null {
    const secure = target.scheme === 'sips';
    switch (target.params.get('transport')?.toLowerCase()) {
      case undefined:
        return undefined;
      case 'udp':
        return secure ? null : 'udp';
      case 'tcp':
        return secure ? 'tls' : 'tcp';
      case 'tls':
        return 'tls';
      case 'ws':
        return secure || !this.#transports.has('ws') ? 'wss' : 'ws';
      case 'wss':
        return 'wss';
      default:
        return null;
    }
  }

  #choose(
    targets: readonly ResolvedTarget[],
    uri: SipUri,
    asked: EngineTransport | undefined,
    request: SipRequest,
    lastSource: Source | undefined,
  ): Located {
    if (targets.length === 0) {
      const speaks = asked === undefined ? uri.scheme === 'sip' : this.#transports.has(asked);
      return speaks && !isNumeric(uri.host) ? NOT_RESOLVED : NO_TRANSPORT;
    }
    const routes: Route[] = [];
    let own = false;
    for (const target of this.#resting.awake(targets)) {
      const route = this.#route(target, uri, asked, request, lastSource);
      if (!this.#transports.has(route.destination.transport, familyOf(target.address))) continue;
      const { transport, host = '' } = route.destination;
      if ([target.address, host].some((name) => this.#transports.isOwn(name, target.port, transport)))
        own = true;
      else routes.push(route);
    }
    const [first, ...others] = routes;
    if (first) return { kind: 'at', ...first, others };
    return own ? { kind: 'refused', text: 'can not send request to myself' } : NO_TRANSPORT;
  }

  #route(
    { transport: usual, address, port }: ResolvedTarget,
    uri: SipUri,
    asked: EngineTransport | undefined,
    request: SipRequest,
    lastSource: Source | undefined,
  ): Route {
    const reusable =
      lastSource?.connectionId !== undefined &&
      lastSource.address === address &&
      (asked === undefined ? uri.scheme === 'sip' || lastSource.transport === 'tls' : true) &&
      this.#transports.isConnected(lastSource.connectionId);
    let transport = asked ?? (reusable ? lastSource.transport : usual);
    const upgraded =
      asked === undefined &&
      transport === 'udp' &&
      this.#isLarge(request) &&
      this.#transports.has('tcp', familyOf(address)) &&
      !this.#refuses(address, port);
    if (upgraded) transport = 'tcp';
    const sameSocket =
      lastSource?.transport === transport &&
      lastSource.localPort !== undefined &&
      lastSource.localAddress !== undefined &&
      familyOf(lastSource.localAddress) === familyOf(address);
    const destination: Destination = {
      transport,
      address,
      port,
      host: uri.host.startsWith('[') ? uri.host.slice(1, -1) : uri.host,
      ...(reusable && transport === lastSource.transport ? { connectionId: lastSource.connectionId } : {}),
      ...(sameSocket ? { localAddress: lastSource.localAddress, localPort: lastSource.localPort } : {}),
    };
    return { destination, upgraded };
  }

  #isLarge(request: SipRequest): boolean {
    let bytes = UNWRITTEN_BYTES + request.uri.length + request.body.length;
    for (const [name, value] of request.headers) bytes += name.length + value.length + 4;
    return bytes > this.#udpRequestBytes;
  }

  #refuses(address: string, port: number): boolean {
    return (this.#tcpRefused.get(`${address} ${port}`) ?? 0) > this.#clock.now();
  }
}

function isNumeric(host: string): boolean {
  return host.startsWith('[') || /^[\d.]+$/.test(host);
}
