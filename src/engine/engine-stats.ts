import type { GatekeeperCounts } from './protection/gatekeeper.js';
import type { TransactionCounts } from '../sip/transaction/transaction-layer.js';
import type { TransportCounts } from './transport/transports.js';

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
  readonly keepAlivesSent: number;
  /** Connections and UDP targets given up as keep-alives went unanswered. */
  readonly pathsSilent: number;
  /** UDP targets whose port was found closed. */
  readonly portsClosed: number;
  readonly udpSendFailures: number;
  /** Messages that the tap did not show, as there were too many in a second. */
  readonly tapDropped: number;
  /** Requests of peers that wait for an application. */
  readonly incomingPending: number;
  /** Requests of applications that wait for a peer. */
  readonly outgoingPending: number;
  readonly transactions: TransactionCounts;
}

/** The counters of the transports under the names that they have here. */
export function transportStats({ connections, ...counts }: TransportCounts) {
  return { ...counts, tcpConnections: connections };
}
