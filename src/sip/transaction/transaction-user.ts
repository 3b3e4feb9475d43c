import type { SipRequest, SipResponse } from '../message.js';
import type { Source } from './transport.js';

/** Told what becomes of a request that we sent. */
export interface ClientTransactionUser {
  /**
   * A response: every provisional one, the final one, and each repetition of a 2xx to INVITE (RFC 6026 8.6),
   * which the user must ACK again.
   */
  onResponse(response: SipResponse, transactionId: string, source: Source): void;
  /** No final response came: timer B or F; X when a CANCEL was ignored. The transaction is gone. */
  onTimeout(transactionId: string, timer: 'B' | 'F' | 'X'): void;
  /** It could not be sent. The transaction is gone, unless a final response had come. */
  onTransportError(transactionId: string): void;
}

/** Told about requests that come in. */
export interface ServerTransactionUser {
  /** A new request, not ACK and not CANCEL; answer with `TransactionLayer.respond`. */
  onRequest(request: SipRequest, transactionId: string, source: Source): void;
  /** An ACK that belongs to a 2xx; those of other final responses are absorbed (RFC 3261 17.2.1). */
  onAck(ack: SipRequest, source: Source): void;
  /**
   * A CANCEL of an INVITE that has no final response. The CANCEL itself is answered already; the user owes
   * the INVITE a 487 (RFC 3261 9.2).
   */
  onCancel(inviteTransactionId: string, cancel: SipRequest, source: Source): void;
  /** Timer H: a non-2xx final response was never acknowledged. The transaction is gone. */
  onAckTimeout(transactionId: string): void;
  /** A response could not be sent. */
  onResponseTransportError(transactionId: string): void;
  /** A response that belongs to no transaction of ours, for the ladder and the counters. It was dropped. */
  onStrayResponse(response: SipResponse, source: Source): void;
}
