import type { TransactionCounts } from '../sip/transaction/transaction-layer.js';

/** Counters and gauges of an engine. Counters count since the start. */
export interface EngineStats {
  readonly received: number;
  readonly sent: number;
  readonly malformed: number;
  readonly dialogs: number;
  readonly clients: number;
  readonly tcpConnections: number;
  /** Requests of peers that wait for an application. */
  readonly incomingPending: number;
  /** Requests of applications that wait for a peer. */
  readonly outgoingPending: number;
  readonly transactions: TransactionCounts;
}
