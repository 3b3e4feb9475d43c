import type { Trunk } from '../call/project.js';
import type { SipHeaders } from '../call/vocabulary.js';
import { firstValue, listValue } from './header-reading.js';
import type { InviteRefusal } from './invite-checks.js';

/** A dialog as the sender of Target-Dialog sees it (RFC 4538 7). */
export interface TargetDialog {
  readonly sipCallId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

/** Option tags that a REFER outside a dialog may require of us. */
const SUPPORTED_OPTIONS = new Set(['tdialog', 'norefersub', 'replaces']);

/** The Target-Dialog header: null where there is none, `malformed` where it is repeated or incomplete. */
export function readTargetDialog(headers: SipHeaders): TargetDialog | 'malformed' | null {
  const value = headers['target-dialog'];
  if (value === undefined) return null;
  if (typeof value !== 'string' || value.includes(',')) return 'malformed';
  const [sipCallId = '', ...params] = value.split(';').map((part) => part.trim());
  const tags = new Map(
    params.map((param) => {
      const [name = '', tag = ''] = param.split('=', 2);
      return [name.trim().toLowerCase(), tag.trim()] as const;
    }),
  );
  const localTag = tags.get('local-tag');
  const remoteTag = tags.get('remote-tag');
  return sipCallId === '' || !localTag || !remoteTag ? 'malformed' : { sipCallId, localTag, remoteTag };
}

/**
 * The dialog that a REFER outside any dialog is for, or its refusal: 403 where the trunk does not take such
 * REFERs, 420, and where it names no dialog 421 to a peer that could, 403 to the others (RFC 4538 4).
 */
export function judgeOutsideRefer(
  headers: SipHeaders,
  trunks: readonly (Trunk | undefined)[],
): TargetDialog | InviteRefusal {
  const refuse = (status: number, counter: string, reason: string | null, more: SipHeaders = {}) => ({
    status,
    counter,
    reason,
    headers: more,
  });
  if (!trunks.some((trunk) => trunk?.acceptReferOutOfDialog === true))
    return refuse(403, 'refer_not_allowed', 'REFER outside a dialog is not taken from this trunk');
  const unsupported = (listValue(headers, 'require') ?? []).filter(
    (option) => !SUPPORTED_OPTIONS.has(option.toLowerCase()),
  );
  if (unsupported.length > 0)
    return refuse(420, 'bad_extension', null, { Unsupported: unsupported.join(', ') });
  const named = readTargetDialog(headers);
  if (named === 'malformed') return refuse(400, 'bad_request', 'Malformed Target-Dialog header field');
  if (named) {
    return firstValue(headers, 'contact') === null
      ? refuse(400, 'bad_request', 'Missing Contact header field')
      : named;
  }
  const able = (listValue(headers, 'supported') ?? []).some((option) => option.toLowerCase() === 'tdialog');
  return able
    ? refuse(421, 'refer_names_no_dialog', null, { Require: 'tdialog' })
    : refuse(403, 'refer_names_no_dialog', 'Target-Dialog is missing');
}
