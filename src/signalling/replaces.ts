import type { SipHeaders } from '../call/vocabulary.js';

/** A Replaces header (RFC 3891 3): the dialog as its peer sees it, so `toTag` is our local tag. */
export interface Replaces {
  readonly sipCallId: string;
  readonly toTag: string;
  readonly fromTag: string;
  readonly earlyOnly: boolean;
}

/** The Replaces header of an INVITE: null where there is none, `malformed` where it is repeated or incomplete. */
export function readReplaces(headers: SipHeaders): Replaces | 'malformed' | null {
  const value = headers.replaces;
  if (value === undefined) return null;
  if (typeof value !== 'string' || value.includes(',')) return 'malformed';
  const [sipCallId, ...parameters] = value.split(';').map((part) => part.trim());
  let toTag: string | null = null;
  let fromTag: string | null = null;
  let earlyOnly = false;
  for (const parameter of parameters) {
    const [name, tag] = parameter.split('=', 2);
    const key = name!.trim().toLowerCase();
    if (key === 'to-tag') toTag = tag?.trim() ?? null;
    else if (key === 'from-tag') fromTag = tag?.trim() ?? null;
    else if (key === 'early-only') earlyOnly = true;
  }
  if (!sipCallId || !toTag || !fromTag) return 'malformed';
  return { sipCallId, toTag, fromTag, earlyOnly };
}
