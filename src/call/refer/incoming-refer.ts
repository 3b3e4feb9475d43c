import type { CallHost, TransferListener } from '../call-host.js';
import { headerSafe } from '../context/template.js';
import { headerValue, headerValues } from '../context/sip-headers.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg } from '../leg/leg.js';
import { NotifyListener } from './notify-listener.js';
import { parseReferTo } from './refer-to.js';

/**
 * A REFER of the bot, of the person or of the caller's side, as `refer_policy` of its trunk or bot has it: terminated
 * here, passed on to the other side, or rejected. The referrer stays connected until the target is reached.
 */
export class IncomingRefers {
  readonly #host: CallHost;
  readonly #seen = new Set<Leg>();

  constructor(host: CallHost) {
    this.#host = host;
  }

  take(leg: Leg, request: InDialogRequest): void {
    const { requestId, headers } = request;
    const policy = this.#host.referPolicy(leg);
    if (policy === 'reject') {
      leg.respond(requestId, 603, { reason: 'REFER is not served on this trunk' });
      return;
    }
    const values = headerValues(headers, 'refer-to');
    const value = values[0] ?? headerValue(headers, 'r');
    const referTo = value === null || values.length > 1 ? null : parseReferTo(value);
    if (referTo === null) {
      leg.respond(requestId, 400, { reason: 'Bad Refer-To' });
      return;
    }
    if (referTo.replaces !== null && this.#host.namesOwnLeg(referTo.replaces)) {
      // The caller would be joined with itself.
      leg.respond(requestId, 603, { reason: 'Replaces names a dialog of this call' });
      return;
    }
    const cseq = /^\s*(\d+)/.exec(headerValue(headers, 'cseq') ?? '')?.[1] ?? null;
    const eventId = this.#seen.has(leg) ? cseq : null;
    const silent = /^\s*false\b/i.test(headerValue(headers, 'refer-sub') ?? '');
    const notifier = silent ? null : new NotifyListener(leg, eventId);
    const reply = { 'Refer-Sub': silent ? 'false' : 'true' };
    // The listener answers the REFER itself, once it is known whether the target is allowed.
    const listener: TransferListener = {
      provisional: (status, reason) => {
        if (status === 100) leg.respond(requestId, 202, { reason: 'Accepted', headers: reply });
        notifier?.provisional(status, reason);
      },
      concluded: (outcome) => {
        if (outcome === 'not_allowed') leg.respond(requestId, 603, { reason: 'Target not allowed' });
        else notifier?.concluded(outcome);
      },
      ended: () => undefined,
    };
    this.#seen.add(leg);
    const referredBy = headerValue(headers, 'referred-by') ?? headerValue(headers, 'b');
    const taken = this.#host.requestTransfer({
      transferId: null,
      to: referTo.uri,
      reason: 'user_request',
      rule: null,
      evidence: null,
      mode: 'blind',
      method: policy === 'pass' ? 'refer' : referTo.replaces === null ? null : 'replaces',
      headers: referTo.headers,
      summary: null,
      referredBy: referredBy === null ? null : headerSafe(referredBy),
      replaces: referTo.replaces === null ? null : headerSafe(referTo.replaces),
      listener,
      referrer: leg,
      passOn: policy === 'pass',
    });
    // A refused target was answered by the listener; the other refusals never reach it.
    if (!taken.accepted && taken.code !== 'not_allowed')
      leg.respond(requestId, 491, { reason: taken.detail });
  }
}
