import type { Random } from '../../common/random.js';

/** Where a dialog stands in offer/answer (RFC 3264, RFC 6337). */
export type OfferState = 'stable' | 'local-offer' | 'remote-offer';

/** What is under way in a dialog when a re-INVITE or UPDATE arrives. */
export interface DialogActivity {
  /** An INVITE of ours has no final response yet. */
  readonly localInvitePending: boolean;
  /** An INVITE of the peer's has no final response from us yet. */
  readonly remoteInvitePending: boolean;
  readonly offer: OfferState;
}

/** What to do with it. */
export type CrossingVerdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'refuse'; readonly status: 491 }
  | { readonly kind: 'refuse'; readonly status: 500; readonly retryAfterS: number };

const ACCEPT: CrossingVerdict = { kind: 'accept' };
const PENDING: CrossingVerdict = { kind: 'refuse', status: 491 };

/** Judges a re-INVITE from the peer (RFC 3261 14.2). */
export function judgeReinvite(activity: DialogActivity, random: Random): CrossingVerdict {
  if (activity.remoteInvitePending) return retryLater(random);
  return activity.localInvitePending || activity.offer === 'local-offer' ? PENDING : ACCEPT;
}

/** Judges an UPDATE from the peer (RFC 3311 5.2). One without an offer always passes. */
export function judgeUpdate(hasOffer: boolean, activity: DialogActivity, random: Random): CrossingVerdict {
  if (!hasOffer) return ACCEPT;
  if (activity.offer === 'local-offer') return PENDING;
  return activity.offer === 'remote-offer' ? retryLater(random) : ACCEPT;
}

function retryLater(random: Random): CrossingVerdict {
  return { kind: 'refuse', status: 500, retryAfterS: Math.floor(random.fraction() * 11) };
}

/**
 * How long to wait after a 491 before trying again, in milliseconds: 2.1 to 4 s for the side that chose the
 * Call-ID, up to 2 s for the other, in steps of 10 ms (RFC 3261 14.1).
 */
export function glareDelayMs(ownsCallId: boolean, random: Random): number {
  return ownsCallId
    ? 2100 + Math.floor(random.fraction() * 191) * 10
    : Math.floor(random.fraction() * 201) * 10;
}
