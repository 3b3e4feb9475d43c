import type { CallHost, TransferListener } from '../call-host.js';
import { headerSafe } from '../context/template.js';
import { headerValue, headerValues } from '../context/sip-headers.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg } from '../leg/leg.js';
import { joinedDialog, OWN_DIALOG } from './joined-dialog.js';
import { legChannel, NotifyListener, outsideChannel } from './notify-listener.js';
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
    const joining = joinedDialog(this.#host, leg, referTo.replaces);
    if (joining.kind === 'refused') {
      leg.respond(requestId, joining.status, { reason: joining.reason });
      return;
    }
    const { outside } = request;
    const cseq = /^\s*(\d+)/.exec(headerValue(headers, 'cseq') ?? '')?.[1] ?? null;
    const eventId = outside === undefined && this.#seen.has(leg) ? cseq : null;
    // Outside the dialog the subscription is the only thing that the 202 makes: it is always there (RFC 4488 4).
    const silent = outside === undefined && /^\s*false\b/i.test(headerValue(headers, 'refer-sub') ?? '');
    const channel =
      outside === undefined ? legChannel(leg) : outsideChannel(this.#host.context, leg, outside);
    const notifier = silent ? null : new NotifyListener(channel, eventId);
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
    if (outside === undefined) this.#seen.add(leg);
    if (joining.kind === 'consultation') {
      this.#complete(joining.leg, listener, () => leg.respond(requestId, 603, { reason: OWN_DIALOG }));
      return;
    }
    if (joining.kind === 'call' && !this.#host.transferInFlight() && policy === 'terminate') {
      // The referrer may hang up the other call as soon as it has the 202.
      this.#host.context.signalling({ kind: 'claim', legId: leg.legId, of: joining.of });
    }
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
      ...(joining.kind === 'call' && policy === 'terminate' ? { join: joining.of } : {}),
    });
    // A refused target was answered by the listener; the other refusals never reach it.
    if (!taken.accepted && taken.code !== 'not_allowed')
      leg.respond(requestId, 491, { reason: taken.detail });
  }

  /** The person whom the running transfer consults has the caller now. */
  #complete(consulted: Leg, listener: TransferListener, refuse: () => void): void {
    const accepted = { told: false };
    const accept = (): void => {
      if (!accepted.told) listener.provisional(100, 'Trying');
      accepted.told = true;
    };
    const late: TransferListener = {
      provisional: (status, reason) => listener.provisional(status, reason),
      concluded: (outcome) => {
        accept();
        listener.concluded(outcome);
      },
      ended: () => undefined,
    };
    if (this.#host.completeConsultation(consulted, late)) accept();
    else refuse();
  }
}
