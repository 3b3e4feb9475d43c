import type { Source } from '../../sip/transaction/transport.js';
import type { EngineTransport } from '../engine-options.js';

/** A bound listening socket and the name that it goes by in Via, Contact and From. */
export interface Listener {
  readonly transport: EngineTransport;
  readonly address: string;
  readonly port: number;
  /** The advertised host, with the brackets of an IPv6 reference. */
  readonly host: string;
  readonly advertisedPort: number;
  /** `host:port`, for Contact and From. */
  readonly hostPort: string;
  /** For Via: without the port where it is the default. */
  readonly sentBy: string;
}

/** Receives what arrives. `raw` may be kept: nobody writes to it again. */
export interface PacketHandler {
  onPacket(raw: Buffer, source: Source): void;
  /** A stream delivered bytes that cannot be framed (`raw`, where there are any); the connection is closed after this. */
  onBadBytes(source: Source, reason: string, raw?: Buffer): void;
  /** Whether this address is heard at all: others need no answer, and no connection. */
  admits(address: string): boolean;
}
