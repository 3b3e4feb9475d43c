import type { LegId, LegOfCall } from '../signalling-port.js';
import type { Party, SipHeaders } from '../vocabulary.js';
import type { MediaProfile } from './leg-media.js';

/** Where and how to dial. */
export interface Dial {
  readonly uri: string;
  readonly proxies: readonly string[];
  readonly from: { readonly user: string; readonly displayName: string | null };
  readonly headers: SipHeaders;
  readonly auth: { readonly username: string; readonly password: string } | null;
  /** The leg of another call of this node whose place is to be taken. */
  readonly join?: LegOfCall;
}

/** How we end a leg: `status` answers an INVITE that was not answered yet, headers go on a CANCEL or BYE. */
export interface Release {
  readonly status?: number;
  readonly reason?: string | null;
  readonly headers?: SipHeaders;
}

export interface LegIdentity {
  readonly legId: LegId;
  readonly party: Party;
  readonly remote: string;
  readonly profile: MediaProfile;
  /** Called after each exchange of SDP with the peer. */
  readonly exchanged?: () => void;
}
