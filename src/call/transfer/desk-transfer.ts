import type { CallEnd, TransferWish } from '../call-host.js';
import type { Resolution } from '../destinations/destination-directory.js';
import type { Leg } from '../leg/leg.js';
import type { SentRefers } from '../refer/sent-refers.js';
import type { TransferResult } from '../vocabulary.js';
import type { CallerGoneNotices } from './caller-gone-notices.js';

/** What else a transfer needs, beside its call. */
export interface TransferDeps {
  readonly transferId: string;
  readonly wish: TransferWish;
  readonly refers: SentRefers;
  readonly notices: CallerGoneNotices;
  /** The one terminal result is out. */
  readonly over: (result: TransferResult) => void;
}

/** A transfer as the desk runs it, whichever side of the call is handed over. */
export interface DeskTransfer {
  readonly transferId: string;
  /** The outcome is not certain yet. */
  readonly undecided: boolean;
  /** Begins; `resolution` says where to, or why not. */
  start(resolution: Resolution): void;
  /** Takes the transfer back. */
  cancel(detail: string): void;
  callEnding(callerLeft: boolean, end: CallEnd): void;
  /** Must this leg outlive the end of the call for a moment? */
  keeps(leg: Leg): boolean;
  /** The caller's leg ended: true where the call goes on without it until the outcome is certain. */
  callerLeaves(): boolean;
  /** The bot or the person that talked to the caller is gone. */
  incumbentGone(leg: Leg): void;
  briefDone(): boolean;
  botDone(): boolean;
  /** The bot hangs up: true where it leaves the caller to the person. */
  botLeaves(): boolean;
  callerAnswered(): void;
  played(promptId: string): void;
  /** Nothing more can be awaited. */
  forget(): void;
  /** May this leg, which plays a part in the call, be replaced now (RFC 3891)? */
  mayReplace(leg: Leg): boolean;
  /** It was: `by` has its part. */
  replaced(leg: Leg, by: Leg): void;
  /** The person on this leg, who is being asked, has the call; false where nobody is asked by it. */
  completeWith(leg: Leg): boolean;
  dump(): object;
}
