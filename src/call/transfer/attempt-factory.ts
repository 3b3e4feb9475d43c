import type { CallHost, TransferWish } from '../call-host.js';
import type { Target } from '../destinations/destination-directory.js';
import type { Leg } from '../leg/leg.js';
import { replacesOf } from '../refer/refer-to.js';
import type { SentRefers } from '../refer/sent-refers.js';
import type { TransferMethod } from '../vocabulary.js';
import type { Attempt, AttemptObserver } from './attempt.js';
import type { CallerGoneNotices } from './caller-gone-notices.js';
import type { Consultation } from './consultation.js';
import { InviteAttempt } from './invite-attempt.js';
import { ReferAttempt } from './refer-attempt.js';
import { inviteHeaders, referHeaders } from './transfer-headers.js';

export interface AttemptFactoryDeps {
  readonly host: CallHost;
  readonly observer: AttemptObserver;
  readonly wish: TransferWish;
  readonly refers: SentRefers;
  readonly notices: CallerGoneNotices;
  /** The bot that may speak to the agent, where it is there. */
  readonly briefer: () => Leg | null;
}

/** Makes the attempts of one transfer. */
export class AttemptFactory {
  readonly #deps: AttemptFactoryDeps;

  constructor(deps: AttemptFactoryDeps) {
    this.#deps = deps;
  }

  /** The caller's side is asked to dial; `replaces` names our consultation with the target. */
  refer(caller: Leg, target: Target, replaces: { uri: string; value: string } | null): Attempt {
    const { host, observer, wish, refers } = this.#deps;
    // A referrer's own consultation goes along where its REFER is passed on.
    const to = { uri: replaces?.uri ?? target.uri, replaces: replaces?.value ?? wish.replaces };
    const headers = referHeaders(host, wish, target, to);
    return new ReferAttempt(host, caller, target, observer, headers, refers);
  }

  /** We dial, with the brief and the accept gate of the project; a referrer's Replaces needs neither. */
  invite(target: Target): Attempt {
    const { host, observer, wish, briefer, notices } = this.#deps;
    const { acceptDigit, brief } = host.context.project.transfer;
    const { replaces } = wish;
    const { from, headers } = inviteHeaders(host, wish, target, replaces);
    if (replaces !== null) {
      const bare = { method: 'replaces', from, headers, acceptDigit: null, brief: 'none', briefer } as const;
      return new InviteAttempt(host, target, observer, bare);
    }
    return new InviteAttempt(host, target, observer, {
      method: 'invite',
      from,
      headers,
      acceptDigit,
      brief,
      briefer,
      notices,
    });
  }

  /** The consulted agent is handed the caller by Replaces: in a REFER to the caller, or in an INVITE of ours. */
  completion(target: Target, { leg, talking }: Consultation, method: TransferMethod): Attempt {
    const { host, observer, wish } = this.#deps;
    const dialog = leg.dialog!;
    const { caller } = host.roles;
    const value = replacesOf(dialog);
    const uri = dialog.remoteTarget;
    if (caller && talking) host.bridge.connect(caller, leg);
    else {
      if (caller) host.bridge.play(caller, host.music());
      host.bridge.play(leg, { kind: 'silence' });
    }
    if (method !== 'replaces' && caller) return this.refer(caller, target, { uri, value });
    return new InviteAttempt(host, target, observer, {
      method: 'replaces',
      ...inviteHeaders(host, wish, target, value),
      acceptDigit: null,
      brief: 'none',
      briefer: () => null,
      uri,
      // Nobody has to pick up (RFC 3891 3), and both hear no word meanwhile: a lost INVITE must not last as long as ringing.
      answerMs: host.context.project.transfer.timers.referReplyMs,
    });
  }
}
