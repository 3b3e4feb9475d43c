import type { Party } from '../call/vocabulary.js';
import { redactSip } from '../common/log.js';

/** One SIP message as it passed the engine's transport. `at` is Unix ms. */
export interface TappedMessage {
  readonly at: number;
  /** Seen from the node. */
  readonly direction: 'in' | 'out';
  readonly transport: string;
  /** `address:port` of our side and of the far side. */
  readonly local: string;
  readonly remote: string;
  readonly raw: string;
}

/** A message of a call, as the ladder shows it. */
export interface LadderMessage {
  readonly at: number;
  readonly direction: 'in' | 'out';
  /** Whose leg it belongs to; null where the leg was never reported. */
  readonly party: Party | null;
  readonly transport: string;
  readonly from: string;
  readonly to: string;
  readonly sipCallId: string;
  readonly startLine: string;
  readonly cseq: string;
  /** The message with its credentials taken out. */
  readonly raw: string;
}

/** The value of a header field (RFC 3261 7.3.1), by its long or compact name; null where it is absent. */
export function headerOf(raw: string, pattern: RegExp): string | null {
  return pattern.exec(raw)?.[1]?.trim() ?? null;
}

const CALL_ID = /\r?\n(?:call-id|i)[ \t]*:([^\r\n]*)/i;
const CSEQ = /\r?\ncseq[ \t]*:([^\r\n]*)/i;

export function sipCallIdOf(raw: string): string | null {
  return headerOf(raw, CALL_ID);
}

const CALL_OF_OURS = /\r?\nx-relevo-call-id[ \t]*:([^\r\n]*)/i;
const LISTENER_OF_OURS = /\r?\nx-relevo-listener[ \t]*:([^\r\n]*)/i;
const SESSION_ID = /\r?\nsession-id[ \t]*:[ \t]*([0-9a-f]{32})/i;

/** What an INVITE that we send tells about the call that it belongs to; null for every other message. */
export function ownInvite(message: TappedMessage): {
  readonly callId: string | null;
  readonly session: string | null;
  /** It goes to an operator who is to listen. */
  readonly listener: boolean;
} | null {
  if (message.direction !== 'out' || !message.raw.startsWith('INVITE ')) return null;
  // RFC 7989: one Session-ID over all legs of a call.
  return {
    callId: headerOf(message.raw, CALL_OF_OURS),
    session: headerOf(message.raw, SESSION_ID),
    listener: headerOf(message.raw, LISTENER_OF_OURS) !== null,
  };
}

/** Reads what the ladder shows out of a tapped message. */
export function ladderMessage(tapped: TappedMessage, sipCallId: string, party: Party | null): LadderMessage {
  const { at, direction, transport, local, remote, raw } = tapped;
  const end = raw.search(/\r?\n/);
  return {
    at,
    direction,
    party,
    transport,
    from: direction === 'in' ? remote : local,
    to: direction === 'in' ? local : remote,
    sipCallId,
    startLine: end < 0 ? raw : raw.slice(0, end),
    cseq: headerOf(raw, CSEQ) ?? '',
    raw: redactSip(raw),
  };
}
