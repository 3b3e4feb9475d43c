import type { InDialogMethod } from '../signalling-port.js';
import type { SipHeaders } from '../vocabulary.js';

/** A request of the peer inside a dialog. */
export interface InDialogRequest {
  readonly requestId: string;
  readonly method: InDialogMethod;
  readonly headers: SipHeaders;
  readonly body: string | null;
  readonly contentType: string | null;
  /** Set where it came outside the dialog and only names it (RFC 4538): the subscription for its NOTIFYs. */
  readonly outside?: string;
}

/** The final response to a request of ours. */
export interface InDialogResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: SipHeaders;
  readonly body: string | null;
}

/** Why a leg never came up. */
export interface LegFailure {
  readonly status: number;
  readonly reason: string;
  readonly headers: SipHeaders;
  /** Who gave up: the far end said no (or CANCEL), or our media could not be agreed. */
  readonly cause: 'peer' | 'media' | 'cancelled';
}

/** How an answered leg ended. `lost`: the dialog is gone or the peer no longer answers. */
export interface LegEnd {
  readonly how: 'bye' | 'stack' | 'lost';
  readonly headers: SipHeaders;
  readonly detail: string;
}
