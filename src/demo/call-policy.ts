/** What a user agent does with an incoming call. Times are ms from the INVITE. */
export type AnswerPolicy =
  /** Answers after `afterMs` (0 by default), ringing (180) until then unless `ring` is false. */
  | {
      readonly kind: 'answer';
      readonly afterMs?: number;
      readonly ring?: boolean;
      /** 183 with a session description: the caller hears our source before the answer. */
      readonly earlyMedia?: boolean;
      readonly headers?: readonly string[];
    }
  /** Refuses with `status` (300..699) after `afterMs`, ringing before where `ring` is true. */
  | {
      readonly kind: 'reject';
      readonly status: number;
      readonly afterMs?: number;
      readonly ring?: boolean;
      readonly headers?: readonly string[];
    }
  /** Rings until the caller gives up. */
  | { readonly kind: 'ring' }
  /** Sends 100 and nothing else. */
  | { readonly kind: 'ignore' };

export const answerAtOnce: AnswerPolicy = { kind: 'answer', ring: false };
export const busy: AnswerPolicy = { kind: 'reject', status: 486 };
export const decline: AnswerPolicy = { kind: 'reject', status: 603 };
export const unavailable: AnswerPolicy = { kind: 'reject', status: 503 };
export const neverAnswers: AnswerPolicy = { kind: 'ring' };

/** What a user agent does with an incoming in-dialog REFER. */
export type ReferPolicy =
  /** 202, calls the target (with Replaces where Refer-To asks), and NOTIFYs each step (RFC 3515 section 2.4.5). */
  | { readonly kind: 'follow' }
  | { readonly kind: 'reject'; readonly status: number }
  /** 202 and then no NOTIFY at all: a peer that many networks have. */
  | { readonly kind: 'accept-silently' }
  /** 202, then BYE after `afterMs` without a NOTIFY: the habit of some SBCs. */
  | { readonly kind: 'accept-and-bye'; readonly afterMs: number };

/** Where a REFER that we sent stands, as its NOTIFYs tell. */
export interface ReferNotification {
  readonly status: number;
  readonly reason: string;
  /** The Subscription-State header as received. */
  readonly subscriptionState: string;
}

/** What became of a REFER that we sent. */
export interface ReferOutcome {
  readonly by: 'response' | 'notify' | 'call-ended';
  /** The refusing response's status, or the sipfrag's; null where no final status ever came. */
  readonly status: number | null;
}

/** A REFER that we sent and that the peer answered. */
export interface SentRefer {
  /** Status of the response to the REFER itself. */
  readonly status: number;
  readonly notifications: readonly ReferNotification[];
  /** Never rejects. */
  readonly outcome: Promise<ReferOutcome>;
}

/** How a call ended. */
export interface CallEnd {
  readonly by: 'local' | 'remote';
  /** Final status of an INVITE that failed or was cancelled (487); null for a BYE. */
  readonly status: number | null;
  /** The Reason header of the BYE or CANCEL (RFC 3326). */
  readonly reason: string | null;
}
