/** Who takes part in the conversation. */
export type Speaker = 'caller' | 'bot' | 'agent';

/** Who a leg's far end is; an operator only listens. */
export type Party = Speaker | 'operator';

/** RFC 5589: `blind` (configuration also takes `direct`) or `attended` (`assisted`). */
export type TransferMode = 'blind' | 'attended';

/** How the hand-over is signalled; `auto` tries REFER and falls back to a bridged INVITE. */
export type TransferMethod = 'auto' | 'refer' | 'invite' | 'replaces';

/** The method that an attempt really used. */
export type AttemptMethod = Exclude<TransferMethod, 'auto'>;

/** Why the call was handed over. */
export type TransferReason = 'user_request' | 'low_confidence' | 'business_rule' | 'bot_failure' | 'operator';

/** The terminal outcomes of a transfer; exactly one ends each transfer. */
export const TRANSFER_OUTCOMES = [
  'completed',
  'completed_unconfirmed',
  'busy',
  'no_answer',
  'declined',
  'bad_destination',
  'unavailable',
  'media_failed',
  'refer_rejected',
  'no_outcome',
  'timeout',
  'cancelled',
  'caller_gone',
  'not_allowed',
  'failed',
] as const;
export type TransferOutcome = (typeof TRANSFER_OUTCOMES)[number];

/** Who ended an attempt or a call. `relevo` stands for the node itself (a timer, an operator, a limit). */
export type EndedBy = Speaker | 'relevo';

/** Where a listener stands. */
export type ListenerState = 'calling' | 'ringing' | 'listening' | 'ended';

/** Why somebody listens no more, or never did. */
export const LISTENER_ENDS = [
  'stopped',
  'hung_up',
  'call_ended',
  'busy',
  'no_answer',
  'declined',
  'bad_destination',
  'unavailable',
  'media_failed',
  'lost',
  'failed',
] as const;
export type ListenerEnd = (typeof LISTENER_ENDS)[number];

/** One try at one destination. Times are Unix milliseconds. */
export interface TransferAttempt {
  readonly destination: string;
  readonly method: AttemptMethod;
  /** The final status seen for this try: of the INVITE, of the REFER, or from the last NOTIFY's sipfrag. */
  readonly sipStatus: number | null;
  readonly sipReason: string | null;
  readonly startedAt: number;
  /** From the first 18x to the end of ringing, in milliseconds; null where it never rang. */
  readonly ringMs: number | null;
  readonly answeredAt: number | null;
  readonly endedBy: EndedBy | null;
}

/** The one terminal result of a transfer, the same in the API, the events, the CDR and toward the bot. */
export interface TransferResult {
  readonly transferId: string;
  readonly callId: string;
  readonly reason: TransferReason;
  /** The rule that fired, and what it saw (a digit, the turns), where a rule asked for the transfer. */
  readonly rule: string | null;
  readonly evidence: string | null;
  /** What the bot said of the call for the person who takes it. */
  readonly summary: string | null;
  readonly mode: TransferMode;
  readonly method: TransferMethod;
  readonly outcome: TransferOutcome;
  /** One sentence for a person: why it ended so. */
  readonly detail: string;
  readonly attempts: readonly TransferAttempt[];
  /** The longest silence that the caller was sent while the transfer ran, in ms, measured on the RTP. */
  readonly gapMs: number | null;
  /** Unix milliseconds at which caller and person could hear each other; null if they never could. */
  readonly humanConnectedAt: number | null;
}

/** Repeated header names carry an array. Names keep the spelling that they were given. */
export type SipHeaders = Readonly<Record<string, string | readonly string[]>>;
