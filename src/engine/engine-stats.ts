import type { GatekeeperCounts } from './protection/gatekeeper.js';
import type { TransactionCounts } from '../sip/transaction/transaction-layer.js';

/** Counters and gauges of an engine. Counters count since the start. */
export interface EngineStats {
  readonly received: number;
  readonly sent: number;
  readonly malformed: number;
  /** What was kept out: sources, calls over a rate, calls shed under overload, malformed messages left unanswered. */
  readonly protection: GatekeeperCounts;
  readonly dialogs: number;
  readonly clients: number;
  /** Open connections of TCP, TLS, WS and WSS. */
  readonly tcpConnections: number;
  /** Connections that peers opened beyond the limits. */
  readonly refusedConnections: number;
  /** Requests of peers that wait for an application. */
  readonly incomingPending: number;
  /** Requests of applications that wait for a peer. */
  readonly outgoingPending: number;
  readonly transactions: TransactionCounts;
}
