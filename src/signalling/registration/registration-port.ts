import type { IncomingInvite } from '../../call/signalling-port.js';
import type { SrfRequest } from '../srf-types.js';

/** What registrations say of calls that come in. */
export interface InboundRegistrations {
  /** The trunk at whose registrar we registered what this INVITE was sent to; null for all others. */
  claim(request: SrfRequest, invite: IncomingInvite): Claim | null;
  /** The trunks whose registrar has this address. */
  trunksAt(address: string): readonly string[];
}

/** An INVITE to a Contact that we registered. */
export interface Claim {
  readonly trunk: string;
  /** In place of the user part of the Request-URI, where that is our own Contact. */
  readonly called: string;
}

/** How an INVITE to a trunk is routed. */
export interface OutgoingRoute {
  readonly proxies: readonly string[];
  /** Route values for the first of them (RFC 3608). */
  readonly serviceRoute: readonly string[];
}
