import type { SipMessage } from '../message.js';
import type { Via } from '../via.js';

export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

/** Where a message came from. `address` is an IP address without brackets. */
export interface Source {
  readonly transport: TransportName;
  readonly address: string;
  readonly port: number;
  /** The connection it came on, for all but UDP. */
  readonly connectionId?: string;
  /** The local socket it came in by: responses leave by the same. */
  readonly localAddress?: string;
  readonly localPort?: number;
}

/** Where a message goes: an IP address and port, and the connection or local socket to prefer. */
export interface Destination {
  readonly transport: TransportName;
  readonly address: string;
  readonly port: number;
  readonly connectionId?: string;
  readonly localAddress?: string;
  readonly localPort?: number;
  /** The name that was resolved, for TLS verification. */
  readonly host?: string;
}

/** What the transaction layer needs of the transports below it. */
export interface Outbound {
  /**
   * Sends one message. `bytes` is its wire form, unchanged over retransmissions; `message` is given for the
   * first sending only. Failures are reported later with `TransactionLayer.transportError(transactionId)`.
   * It must not throw.
   */
  send(
    destination: Destination,
    bytes: Buffer,
    transactionId: string | undefined,
    message?: SipMessage,
  ): void;
  /** The Via sent-by (`host[:port]`) for requests to that destination. */
  sentBy(destination: Destination): string;
}

/** Whether the transport retransmits by itself (RFC 3261 17). */
export function isReliable(transport: TransportName): boolean {
  return transport !== 'udp';
}

const MULTICAST = /^(?:22[4-9]|23\d)(?:\.\d{1,3}){3}$|^\[?ff[0-9a-f]{2}:/i;

/**
 * Where a response goes (RFC 3261 18.2.2, RFC 3581 4): back on the connection; or to a multicast maddr; or to the source
 * address, at the source port when rport was asked for, else at the sent-by port.
 */
export function responseDestination(via: Via, source: Source): Destination {
  if (source.transport !== 'udp') return source;
  // maddr is for multicast: any other would let a stranger choose whom we send to.
  if (via.maddr !== undefined && MULTICAST.test(via.maddr))
    return { ...source, address: via.maddr, port: via.port ?? 5060 };
  return via.rport !== undefined || source.port === (via.port ?? 5060)
    ? source
    : { ...source, port: via.port ?? 5060 };
}
