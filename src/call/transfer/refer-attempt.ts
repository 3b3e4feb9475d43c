import type { CallHost } from '../call-host.js';
import { headerValue } from '../context/sip-headers.js';
import type { Target } from '../destinations/destination-directory.js';
import type { InDialogResponse } from '../leg/in-dialog.js';
import type { Leg } from '../leg/leg.js';
import type { ReferNews, SentRefer, SentRefers } from '../refer/sent-refers.js';
import type { EndedBy, SipHeaders, TransferOutcome } from '../vocabulary.js';
import { AttemptLog, type Attempt, type AttemptObserver } from './attempt.js';
import { outcomeOfStatus } from './outcome.js';

/** What the NOTIFYs and the reply still owe us. */
type Phase =
  | 'new'
  /** REFER sent. */
  | 'referring'
  /** The reply was 481: OPTIONS finds out whether the dialog lives. */
  | 'probing'
  /** 202; the NOTIFYs are awaited. */
  | 'following'
  /** The peer hung up after the 202; its NOTIFY may be on the way. */
  | 'late'
  | 'over';

/** The caller's side is asked to dial the target itself (RFC 3515, RFC 5589). */
export class ReferAttempt implements Attempt {
  readonly kind = 'refer';
  readonly target: Target;
  readonly log: AttemptLog;
  readonly #host: CallHost;
  readonly #leg: Leg;
  readonly #observer: AttemptObserver;
  readonly #headers: SipHeaders;
  readonly #refers: SentRefers;
  #sent: SentRefer | null = null;
  #phase: Phase = 'new';

  /** `headers` hold Refer-To and Referred-By; `leg` is the caller's. */
  constructor(
    host: CallHost,
    leg: Leg,
    target: Target,
    observer: AttemptObserver,
    headers: SipHeaders,
    refers: SentRefers,
  ) {
    this.#host = host;
    this.#leg = leg;
    this.target = target;
    this.#observer = observer;
    this.#headers = headers;
    this.#refers = refers;
    this.log = new AttemptLog(host.context.deps.clock, target.destination, 'refer');
  }

  get phase(): string {
    return this.#phase;
  }

  start(): void {
    const { context } = this.#host;
    const { timers } = context.project.transfer;
    this.#phase = 'referring';
    context.timers.start('refer.reply', timers.referReplyMs, () => {
      this.#fail('refer_rejected', `no reply to REFER within ${timers.referReplyMs} ms`, 'relevo');
    });
    this.#sent = this.#refers.add(this.#leg, (news) => this.#news(news));
    this.#leg.request('REFER', { headers: this.#headers, auth: context.deps.trunk.auth }, (response) =>
      this.#replied(response),
    );
  }

  abort(endedBy: EndedBy): void {
    if (this.#phase === 'over') return;
    this.#finish(endedBy);
  }

  callerLeft(): boolean {
    if (this.#phase === 'late') return true;
    if (this.#phase !== 'following') return false;
    // RFC 5589 6.1: the transferee's BYE and its last NOTIFY race.
    const { context } = this.#host;
    this.#phase = 'late';
    context.timers.stop('refer.notify');
    context.timers.start('refer.late', context.project.transfer.timers.lateNotifyMs, () =>
      this.#succeed(false),
    );
    return true;
  }

  #replied(response: InDialogResponse): void {
    if (this.#phase !== 'referring') {
      if (this.#phase === 'following') this.#learnCseq(response);
      return;
    }
    const { context } = this.#host;
    const { status, reason } = response;
    context.timers.stop('refer.reply');
    if (status >= 200 && status < 300) {
      this.#learnCseq(response);
      this.#observer.attemptProgress(this, 'referred', `${status} ${reason}`);
      // RFC 4488: the peer said that it will send no NOTIFY.
      const silent = /^\s*false\b/i.test(headerValue(response.headers, 'refer-sub') ?? '');
      if (silent) this.#succeed(false);
      else this.#follow();
      return;
    }
    this.log.sawStatus(status, reason);
    if (status === 481) {
      this.#phase = 'probing';
      this.#leg.request('OPTIONS', {}, (probe) => this.#probed(probe.status));
      return;
    }
    this.#fail('refer_rejected', `the peer answered REFER with ${status} ${reason}`, 'caller');
  }

  /** A dead dialog ends the caller's leg, and the call with it; then there is nothing left to report here. */
  #probed(status: number): void {
    if (this.#phase !== 'probing' || status === 481 || status === 408) return;
    this.#fail('refer_rejected', 'the peer answered REFER with 481, though the dialog lives', 'caller');
  }

  #follow(): void {
    const { context } = this.#host;
    this.#phase = 'following';
    const { firstNotifyMs } = context.project.transfer.timers;
    context.timers.start('refer.notify', firstNotifyMs, () => {
      this.#fail('timeout', `no NOTIFY within ${firstNotifyMs} ms of the 202`, 'relevo');
    });
  }

  #news(news: ReferNews): void {
    if (this.#phase === 'over' || this.#phase === 'new') return;
    if (this.#phase === 'referring' || this.#phase === 'probing') {
      // A NOTIFY says that the REFER was accepted, even where it overtakes the 202.
      this.#host.context.timers.stop('refer.reply');
      this.#follow();
    }
    const { status, reason } = news;
    if (status !== null) this.log.sawStatus(status, reason);
    if (status !== null && status >= 300) {
      const detail = `the peer reported ${status} ${reason} for ${this.target.destination}`;
      this.#fail(outcomeOfStatus(status), detail, 'agent');
    } else if (status !== null && status >= 200) {
      this.#succeed(true);
    } else if (news.terminated) {
      const why = news.terminatedReason ?? 'no reason given';
      this.#fail('no_outcome', `the subscription ended without a final status (${why})`, 'caller');
    } else if (status !== null && status >= 180) {
      this.log.ringing();
      this.#observer.attemptRinging(this, status, reason, null);
      this.#refresh();
    } else {
      this.#refresh();
    }
  }

  /** A provisional NOTIFY gives the next one as long as the first had. */
  #refresh(): void {
    if (this.#phase === 'following') this.#follow();
  }

  #learnCseq(response: InDialogResponse): void {
    const number = /^\s*(\d+)/.exec(headerValue(response.headers, 'cseq') ?? '')?.[1];
    if (number !== undefined && this.#sent) this.#sent.cseq ??= number;
  }

  #succeed(confirmed: boolean): void {
    if (this.#phase === 'over') return;
    if (confirmed) this.log.answered();
    this.#finish(null);
    this.#observer.attemptReferred(this, confirmed);
  }

  #fail(outcome: TransferOutcome, detail: string, endedBy: EndedBy): void {
    if (this.#phase === 'over') return;
    const { rang } = this.log;
    this.#finish(endedBy);
    this.#observer.attemptFailed(this, { outcome, detail, rang });
  }

  #finish(endedBy: EndedBy | null): void {
    for (const name of ['refer.reply', 'refer.notify', 'refer.late']) this.#host.context.timers.stop(name);
    this.#phase = 'over';
    this.log.ended(endedBy);
    if (this.#sent) this.#sent.follower = null;
  }
}
