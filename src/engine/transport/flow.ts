import type { EngineTransport } from '../engine-options.js';

/** A bound listening socket and the name that it goes by in Via, Contact and From. */
export interface Listener {
  readonly transport: EngineTransport;
  readonly address: string;
  readonly port: number;
  /** `address:port` for Contact and From; `sentBy` for Via. Both carry the advertised address. */
  readonly advertisedAddress: string;
  readonly advertisedPort: number;
  readonly sentBy: string;
}

/** The pair of addresses that a message came over or goes over. */
export interface Flow {
  readonly listener: Listener;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Receives what arrives. `raw` may be kept: nobody writes to it again. */
export interface PacketHandler {
  onPacket(raw: Buffer, flow: Flow): void;
  /** A stream delivered bytes that cannot be framed; the connection is closed after this. */
  onBadBytes(flow: Flow, reason: string): void;
}
