import type { CallHost, TransferWish } from '../call-host.js';
import { headerValue, headerValues, reasonHeader } from '../context/sip-headers.js';
import { headerSafe } from '../context/template.js';
import type { Target } from '../destinations/destination-directory.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg } from '../leg/leg.js';
import { joinedDialog } from '../refer/joined-dialog.js';
import { legChannel, NotifyListener } from '../refer/notify-listener.js';
import { parseReferTo } from '../refer/refer-to.js';
import type { Attempt, AttemptObserver } from './attempt.js';
import type { AttemptFactoryDeps } from './attempt-factory.js';
import { AttemptFactory } from './attempt-factory.js';
import type { InviteAttempt } from './invite-attempt.js';
import { nextBatch } from './next-batch.js';
import { statusOfOutcome } from './outcome.js';

/** So often may one transfer be sent on: more goes in circles. */
const MAX_SENT_ON = 5;

/** What the transfer does for it. */
export interface SentOnPort extends Omit<AttemptFactoryDeps, 'host' | 'observer'> {
  readonly observer: AttemptObserver;
  readonly undecided: () => boolean;
  /** Dials these beside what is alive; `rest` comes after them. */
  run(attempts: readonly Attempt[], rest: readonly Target[]): void;
  /** The person who sent the call on is let go. */
  letGo(attempt: Attempt): void;
}

/**
 * A person who was reached, but has not taken the call yet, sends it on to somebody else by REFER. That place is dialled
 * beside; the first person keeps its turn until it is answered, and has it back where that fails.
 */
export class SentOn {
  readonly #host: CallHost;
  readonly #port: SentOnPort;
  readonly #seen = new Set<Leg>();
  #count = 0;

  constructor(host: CallHost, port: SentOnPort) {
    this.#host = host;
    this.#port = port;
  }

  /** Takes the REFER on `leg`, which is that of `attempt`. */
  take(attempt: InviteAttempt, leg: Leg, request: InDialogRequest): void {
    const { requestId, headers } = request;
    const refuse = (status: number, reason: string): void => leg.respond(requestId, status, { reason });
    if (!this.#port.undecided() || attempt.target.trunk.referPolicy === 'reject') {
      refuse(603, 'REFER is not served on this trunk');
      return;
    }
    const values = headerValues(headers, 'refer-to');
    const value = values[0] ?? headerValue(headers, 'r');
    const referTo = value === null || values.length > 1 ? null : parseReferTo(value);
    if (referTo === null) {
      refuse(400, 'Bad Refer-To');
      return;
    }
    // Which of its dialogs of ours the person means to join cannot be told before it has the call.
    if (joinedDialog(this.#host, leg, referTo.replaces).kind !== 'elsewhere') {
      refuse(603, 'The call was not taken yet');
      return;
    }
    const { context } = this.#host;
    const found = context.deps.destinations.resolve(referTo.uri, context.project, context.wallMs());
    if (!found.ok) {
      refuse(found.code === 'not_allowed' ? 403 : statusOfOutcome(found.code).status, found.detail);
      return;
    }
    if (++this.#count > MAX_SENT_ON) {
      refuse(403, 'Sent on too often');
      return;
    }
    const silent = /^\s*false\b/i.test(headerValue(headers, 'refer-sub') ?? '');
    const cseq = /^\s*(\d+)/.exec(headerValue(headers, 'cseq') ?? '')?.[1] ?? null;
    const notifier = silent ? null : new NotifyListener(legChannel(leg), this.#seen.has(leg) ? cseq : null);
    this.#seen.add(leg);
    leg.respond(requestId, 202, { reason: 'Accepted', headers: { 'Refer-Sub': silent ? 'false' : 'true' } });
    notifier?.provisional(100, 'Trying');
    attempt.sendOn(() => notifier?.concluded('cancelled'));
    this.#port.observer.attemptProgress(attempt, 'sent_on', found.name);
    const targets = [...found.targets];
    const batch = nextBatch(targets);
    const factory = this.#factory(attempt, notifier, batch.length, {
      ...this.#port.wish,
      referredBy: headerSafe(headerValue(headers, 'referred-by') ?? headerValue(headers, 'b') ?? '') || null,
      replaces: referTo.replaces === null ? null : headerSafe(referTo.replaces),
    });
    this.#port.run(
      batch.map((target) => factory.invite(target)),
      targets,
    );
  }

  /** Attempts whose progress the person who sent the call on is told of. */
  #factory(
    sender: InviteAttempt,
    notifier: NotifyListener | null,
    dialled: number,
    wish: TransferWish,
  ): AttemptFactory {
    const { observer } = this.#port;
    let open = dialled;
    const told: AttemptObserver = {
      attemptProgress: (attempt, progress, detail) => {
        observer.attemptProgress(attempt, progress, detail);
        if (progress !== 'answered') return;
        notifier?.concluded('completed');
        this.#port.letGo(sender);
        sender.abort('relevo', reasonHeader(200, 'Call sent on'));
      },
      attemptRinging: (attempt, status, reason, earlyMedia) => {
        notifier?.provisional(status, reason);
        observer.attemptRinging(attempt, status, reason, earlyMedia);
      },
      attemptFailed: (attempt, failure) => {
        open -= 1;
        if (open === 0) notifier?.concluded(failure.outcome);
        observer.attemptFailed(attempt, failure);
        if (open === 0) sender.takeBack();
      },
      attemptConnected: (attempt, leg) => observer.attemptConnected(attempt, leg),
      attemptReferred: (attempt, confirmed) => observer.attemptReferred(attempt, confirmed),
      attemptSentOn: (attempt, leg, request) => observer.attemptSentOn?.(attempt, leg, request),
    };
    return new AttemptFactory({ ...this.#port, host: this.#host, wish, observer: told });
  }
}
