import type { Clock } from '../../common/clock.js';
import type { SipRequest } from '../../sip/message.js';
import { parseSipUri, type SipUri } from '../../sip/uri.js';
import type { Destination, Source } from '../../sip/transaction/transport.js';
import type { DestinationResolver } from '../transport/destination-resolver.js';
import type { Transports } from '../transport/transports.js';
import type { EngineTransport } from '../engine-options.js';

/** Where a request goes. `lookup` needs the resolver first; `refused` carries the text for the application. */
export type Located =
  | { readonly kind: 'at'; readonly destination: Destination; readonly upgraded: boolean }
  | { readonly kind: 'lookup'; readonly address: Promise<string>; readonly at: (address: string) => Located }
  | { readonly kind: 'refused'; readonly text: string };

/** Room for Via, From, To, Call-ID and the like, which are not there yet when the size of a request is estimated. */
const UNWRITTEN_BYTES = 350;
const TCP_REFUSED_MS = 600_000;
const TCP_REFUSED_ENTRIES = 1_000;
const DEFAULT_PORT = 5060;

/** Chooses transport, address and port for requests: numeric hosts at once, names by the resolver. */
export class TargetLocator {
  readonly #transports: Transports;
  readonly #resolver: DestinationResolver;
  readonly #clock: Clock;
  readonly #udpRequestBytes: number;
  readonly #tcpRefused = new Map<string, number>();

  constructor(transports: Transports, resolver: DestinationResolver, clock: Clock, udpRequestBytes: number) {
    this.#transports = transports;
    this.#resolver = resolver;
    this.#clock = clock;
    this.#udpRequestBytes = udpRequestBytes;
  }

  /** `lastSource`, in a dialog: the peer's connection and our socket are used again when they still fit. */
  locate(uri: string, request: SipRequest, lastSource?: Source): Located {
    const target = parseSipUri(uri);
    if (!target)
      return { kind: 'refused', text: `invalid request-uri: ${request.method} ${request.uri} SIP/2.0` };
    const host = target.params.get('maddr') ?? target.host;
    const address = this.#resolver.known(host);
    if (address !== undefined) return this.#at(target, address, request, lastSource);
    return {
      kind: 'lookup',
      address: this.#resolver.resolve(host),
      at: (resolved) => this.#at(target, resolved, request, lastSource),
    };
  }

  /** Remembers that a peer takes no TCP, so that the next large request does not try it first. */
  noteTcpRefused(destination: Destination): void {
    if (this.#tcpRefused.size >= TCP_REFUSED_ENTRIES) this.#tcpRefused.clear();
    this.#tcpRefused.set(`${destination.address} ${destination.port}`, this.#clock.now() + TCP_REFUSED_MS);
  }

  #at(target: SipUri, address: string, request: SipRequest, lastSource: Source | undefined): Located {
    const port = target.port ?? DEFAULT_PORT;
    const reusable =
      lastSource?.connectionId !== undefined &&
      lastSource.address === address &&
      this.#transports.isConnected(lastSource.connectionId);
    const explicit = target.params.get('transport')?.toLowerCase() ?? (reusable ? 'tcp' : undefined);
    if (target.scheme === 'sips' || (explicit !== undefined && explicit !== 'udp' && explicit !== 'tcp')) {
      return { kind: 'refused', text: 'requested protocol/transport not available' };
    }
    let transport: EngineTransport = explicit ?? (this.#transports.has('udp') ? 'udp' : 'tcp');
    const upgraded =
      explicit === undefined &&
      transport === 'udp' &&
      this.#isLarge(request) &&
      this.#transports.has('tcp') &&
      !this.#refuses(address, port);
    if (upgraded) transport = 'tcp';
    if (!this.#transports.has(transport))
      return { kind: 'refused', text: 'requested protocol/transport not available' };
    if (this.#transports.isOwn(address, port, transport))
      return { kind: 'refused', text: 'can not send request to myself' };
    const destination: Destination = {
      transport,
      address,
      port,
      host: target.host,
      ...(transport === 'tcp' && reusable ? { connectionId: lastSource.connectionId } : {}),
      ...(lastSource?.transport === transport &&
      lastSource.localPort !== undefined &&
      lastSource.localAddress !== undefined
        ? { localAddress: lastSource.localAddress, localPort: lastSource.localPort }
        : {}),
    };
    return { kind: 'at', destination, upgraded };
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
