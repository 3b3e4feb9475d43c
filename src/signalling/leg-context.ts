import type { LegId, SignallingCommand, SignallingEvent } from '../call/signalling-port.js';
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/log.js';
import type { SipLink } from './sip-link.js';
import type { SrfReply, SrfRequest } from './srf-types.js';

/** One leg as the adapter sees it: an initial INVITE of either direction and the dialog that it makes. */
export interface Leg {
  readonly legId: LegId;
  readonly callId: string;
  /** Null until the SIP server has said it. */
  readonly sipCallId: string | null;
  /** For challenges to requests of ours in its dialog. */
  readonly credentials: Credentials | null;
  execute(command: SignallingCommand): void;
  /** A request in the leg's dialog. */
  onRequest(request: SrfRequest, reply: SrfReply): void;
  /** The connection to the SIP server is gone: whatever is under way has failed. */
  onLinkLost(): void;
  /** Ends the leg on the wire without asking anybody (its call is gone). Idempotent. */
  abandon(): void;
}

export type Command<Kind extends SignallingCommand['kind']> = Extract<SignallingCommand, { kind: Kind }>;

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What a leg needs of its adapter. */
export interface LegContext {
  readonly link: SipLink;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tells the call. False where the call is no more: a request must then be answered here. */
  emit(event: SignallingEvent): boolean;
  /** From now on requests of this dialog belong to the leg. */
  own(dialogId: string): void;
  /** The dialog is over; its requests are strangers. */
  disown(dialogId: string): void;
  /** Nothing of the leg is left. */
  closed(): void;
  /** Sends a BYE in this dialog once the link is back. */
  byeLater(dialogId: string): void;
}

/** The final response to a request of ours that could not be sent or will never be answered: made here. */
export function answerLocally(
  context: LegContext,
  legId: LegId,
  requestId: string,
  status: number,
  reason: string,
): void {
  const made = { headers: {}, body: null, wantsAck: false };
  context.emit({ kind: 'response', legId, requestId, status, reason, ...made });
}

/** A request came for a leg that has no dialog to send it in (RFC 3261 12.2.2). */
export function refuseWithoutDialog(context: LegContext, legId: LegId, requestId: string): void {
  answerLocally(context, legId, requestId, 481, 'Call/Transaction Does Not Exist');
}
