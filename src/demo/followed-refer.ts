import { Core, type Referral, type Session } from 'sip.js';

/** The new call that a REFER asks for. */
export interface ReferredCall {
  readonly target: string;
  /** Headers for the new INVITE: Replaces and Referred-By where the REFER gave them. */
  readonly headers: readonly string[];
}

/** Reads a REFER's target. Headers inside the Refer-To URI become headers of the INVITE (RFC 3261 section 19.1.1). */
export function readReferral(referral: Referral): ReferredCall {
  const uri = referral.referTo.uri.clone();
  const headers = Object.entries(uri.headers).flatMap(([name, values]) =>
    values.map((value) => `${name}: ${decodeURIComponent(value)}`),
  );
  uri.clearHeaders();
  if (referral.referredBy !== undefined) headers.push(`Referred-By: ${referral.referredBy}`);
  return { target: uri.toString(), headers };
}

/** Sends the NOTIFY for one step of the new call; a final status ends the subscription (RFC 3515 section 2.4.5). */
export function notifyReferrer(session: Session, contact: string, status: number, reason: string): void {
  const dialog = session.dialog;
  if (dialog === undefined || dialog.sessionState !== Core.SessionState.Confirmed) return;
  const state = status >= 200 ? 'terminated;reason=noresource' : 'active;expires=60';
  dialog.notify(undefined, {
    extraHeaders: ['Event: refer', `Subscription-State: ${state}`, `Contact: ${contact}`],
    body: {
      contentDisposition: 'render',
      contentType: 'message/sipfrag;version=2.0',
      content: `SIP/2.0 ${status} ${reason}\r\n`,
    },
  });
}
