import type { MediaDirection } from '../media-port.js';
import type { InDialogRequest, LegEnd, LegFailure } from './in-dialog.js';

/** Who a leg reports to: the call, or the attempt that dialled it. It hears no more after `release`. */
export interface LegOwnerOf<L> {
  /** UAC: an 18x; `earlyMedia` where an SDP answer is in force already. */
  legProgress(leg: L, status: number, earlyMedia: boolean): void;
  /** The dialog stands and the media is agreed. */
  legAnswered(leg: L): void;
  legFailed(leg: L, failure: LegFailure): void;
  legEnded(leg: L, end: LegEnd): void;
  /** INFO, MESSAGE, REFER and NOTIFY; they must be answered. */
  legRequest(leg: L, request: InDialogRequest): void;
  legDigit(leg: L, digit: string, via: 'rtp' | 'info'): void;
  /** The peer changed the direction of its media; `done` lets the answer go out. */
  legDirection(leg: L, direction: MediaDirection, done: () => void): void;
  /** No RTP came for the watched time. */
  legSilent(leg: L, silentMs: number): void;
  /** A prompt played to this leg ended. */
  legPlayed(leg: L, promptId: string): void;
  /** `by` took the place of `leg` (RFC 3891), which is let go next. Without it, or false: the leg cannot be replaced. */
  legReplaced?(leg: L, by: L): boolean;
}
