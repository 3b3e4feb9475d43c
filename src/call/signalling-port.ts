import type { SipHeaders } from './vocabulary.js';

/** Names one leg of one call: `CALLID.N`. */
export type LegId = string;

/** A leg of one call, as another one names it. */
export interface LegOfCall {
  readonly callId: string;
  readonly legId: LegId;
}

/** The three values that name a dialog (RFC 3261 12), for Replaces and Target-Dialog. */
export interface DialogName {
  readonly sipCallId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** The peer's Contact URI. */
  readonly remoteTarget: string;
}

/** What the far end said that it can do, from Allow and Supported; null where it did not say. */
export interface PeerAbilities {
  readonly allow: readonly string[] | null;
  readonly supported: readonly string[] | null;
  readonly userAgent: string | null;
}

/** An initial INVITE as the call machine sees it. Header names are lower-case here. */
export interface IncomingInvite {
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly transport: string;
  readonly requestUri: string;
  /** User part of the request URI: the called number. */
  readonly called: string;
  /** User part of the From URI, or of P-Asserted-Identity where present. */
  readonly caller: string;
  readonly callerDisplayName: string | null;
  readonly sipCallId: string;
  readonly headers: SipHeaders;
  readonly sdp: string | null;
  readonly peer: PeerAbilities;
}

/** In-dialog methods that cross the port (INVITE is a re-INVITE here). */
export type InDialogMethod = 'INVITE' | 'UPDATE' | 'INFO' | 'REFER' | 'NOTIFY' | 'MESSAGE' | 'OPTIONS';

/** What a call machine asks of the signalling adapter. Nothing here blocks or answers: answers are events. */
export type SignallingCommand =
  | {
      readonly kind: 'invite';
      readonly legId: LegId;
      /** Request-URI. */
      readonly uri: string;
      /** Next hops tried in order, SIP URIs; empty sends to the Request-URI itself. */
      readonly proxies: readonly string[];
      readonly from: { readonly user: string; readonly displayName: string | null };
      readonly headers: SipHeaders;
      /** null sends an offerless INVITE. */
      readonly sdp: string | null;
      readonly auth: { readonly username: string; readonly password: string } | null;
      /** The INVITE replaces this leg of another call of the node: nothing goes out on the wire. */
      readonly join?: LegOfCall;
    }
  /** A leg of another call is about to be replaced: its end is kept back for a moment (→ `claimed` there). */
  | { readonly kind: 'claim'; readonly legId: LegId; readonly of: LegOfCall }
  /** A NOTIFY in the dialog of a REFER that came outside of the leg's own (RFC 4538); nothing comes back. */
  | {
      readonly kind: 'notify';
      readonly legId: LegId;
      readonly subscription: string;
      readonly headers: SipHeaders;
      readonly body: string;
    }
  | { readonly kind: 'cancel'; readonly legId: LegId; readonly headers: SipHeaders }
  | {
      readonly kind: 'provisional';
      readonly legId: LegId;
      readonly status: 180 | 181 | 182 | 183;
      readonly sdp: string | null;
      readonly headers: SipHeaders;
    }
  | { readonly kind: 'accept'; readonly legId: LegId; readonly sdp: string; readonly headers: SipHeaders }
  | {
      readonly kind: 'reject';
      readonly legId: LegId;
      readonly status: number;
      readonly reason: string | null;
      readonly headers: SipHeaders;
    }
  /** The answer to an offer that came in a 2xx (late offer), for the initial INVITE or a re-INVITE of ours. */
  | { readonly kind: 'ack'; readonly legId: LegId; readonly requestId: string | null; readonly sdp: string }
  | {
      readonly kind: 'request';
      readonly legId: LegId;
      readonly requestId: string;
      readonly method: InDialogMethod;
      readonly headers: SipHeaders;
      readonly body: string | null;
      readonly contentType: string | null;
      readonly auth: { readonly username: string; readonly password: string } | null;
    }
  | {
      readonly kind: 'respond';
      readonly legId: LegId;
      readonly requestId: string;
      readonly status: number;
      readonly reason: string | null;
      readonly headers: SipHeaders;
      readonly body: string | null;
      readonly contentType: string | null;
    }
  | { readonly kind: 'bye'; readonly legId: LegId; readonly headers: SipHeaders };

/** What the signalling adapter tells a call machine. */
export type SignallingEvent =
  | { readonly kind: 'incoming'; readonly legId: LegId; readonly invite: IncomingInvite }
  /** An INVITE with Replaces (RFC 3891) that names the dialog of `replacesLegId` of this call; authorised already. */
  | {
      readonly kind: 'incomingReplaces';
      readonly legId: LegId;
      readonly replacesLegId: LegId;
      readonly earlyOnly: boolean;
      readonly invite: IncomingInvite;
      /** The call of this node that is joined to this one by it; absent where it came from the wire. */
      readonly joinedBy?: string;
    }
  /** Another call of the node is about to replace this leg. */
  | { readonly kind: 'claimed'; readonly legId: LegId }
  /** The caller gave up before a final response (487 was sent by the stack). */
  | { readonly kind: 'cancelled'; readonly legId: LegId }
  /** ACK of a 2xx of ours; `sdp` is the answer to a late offer. `requestId` is null for the initial INVITE. */
  | {
      readonly kind: 'acked';
      readonly legId: LegId;
      readonly requestId: string | null;
      readonly sdp: string | null;
    }
  /** Our 2xx was sent and the dialog exists. */
  | { readonly kind: 'established'; readonly legId: LegId; readonly dialog: DialogName }
  | {
      readonly kind: 'provisional';
      readonly legId: LegId;
      readonly status: number;
      readonly reason: string;
      readonly sdp: string | null;
      readonly headers: SipHeaders;
    }
  | {
      readonly kind: 'accepted';
      readonly legId: LegId;
      readonly sdp: string | null;
      readonly headers: SipHeaders;
      readonly dialog: DialogName;
      readonly peer: PeerAbilities;
      /** True where the 2xx carries an offer and an `ack` command is awaited. */
      readonly wantsAck: boolean;
    }
  | {
      readonly kind: 'rejected';
      readonly legId: LegId;
      readonly status: number;
      readonly reason: string;
      readonly headers: SipHeaders;
    }
  /** The final response to a `request` of ours. A transport failure or lost dialog comes as 408, 481 or 503. */
  | {
      readonly kind: 'response';
      readonly legId: LegId;
      readonly requestId: string;
      readonly status: number;
      readonly reason: string;
      readonly headers: SipHeaders;
      readonly body: string | null;
      /** True where a re-INVITE without offer got its offer and an `ack` command is awaited. */
      readonly wantsAck: boolean;
    }
  | {
      readonly kind: 'request';
      readonly legId: LegId;
      readonly requestId: string;
      readonly method: InDialogMethod;
      readonly headers: SipHeaders;
      readonly body: string | null;
      readonly contentType: string | null;
      /** A REFER outside the dialog that names it (RFC 4538): the subscription that its NOTIFYs go by. */
      readonly outside?: string;
    }
  /** The dialog ended from outside: a BYE of the peer, or one that the stack sent by itself (`byStack`). */
  | {
      readonly kind: 'bye';
      readonly legId: LegId;
      readonly headers: SipHeaders;
      readonly byStack: string | null;
    }
  /** Our BYE was answered or timed out: the leg is gone for good. */
  | { readonly kind: 'gone'; readonly legId: LegId };
