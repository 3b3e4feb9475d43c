import type { CallEnd, CallHost, TransferWish } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { Resolution, Target } from '../destinations/destination-directory.js';
import type { InDialogRequest } from '../leg/in-dialog.js';
import type { Leg } from '../leg/leg.js';
import type { EndedBy, SipHeaders, TransferMethod, TransferMode, TransferOutcome } from '../vocabulary.js';
import { Aftermath } from './aftermath.js';
import type { Attempt, AttemptFailure, AttemptObserver } from './attempt.js';
import type { DeskTransfer, TransferDeps } from './desk-transfer.js';
import { AttemptFactory } from './attempt-factory.js';
import { AttendedSteps } from './attended-steps.js';
import { Incumbent } from './incumbent.js';
import { InviteAttempt } from './invite-attempt.js';
import { Joining } from './joining.js';
import { LiveAttempts } from './live-attempts.js';
import { afterRefer, chooseMethod, noteReferRefused, noteReferWorked } from './method-choice.js';
import { nextBatch } from './next-batch.js';
import { Prelude } from './prelude.js';
import { Redirects } from './redirects.js';
import { nextTransferPhase, type TransferPhase, type TransferTrigger } from './transfer-phase.js';
import { SentOn } from './sent-on.js';
import { TransferReport } from './transfer-report.js';
import { ringCaller } from './waiting.js';

/** One transfer: attempts at the destinations in order, what happens when they fail, and one terminal result. */
export class Transfer implements AttemptObserver, DeskTransfer {
  readonly transferId: string;
  readonly wish: TransferWish;
  readonly #host: CallHost;
  readonly #deps: TransferDeps;
  readonly #mode: TransferMode;
  readonly #method: TransferMethod;
  readonly #report: TransferReport;
  readonly #factory: AttemptFactory;
  readonly #aftermath: Aftermath;
  readonly #prelude: Prelude;
  readonly #redirects: Redirects;
  readonly #attended: AttendedSteps;
  readonly #sentOn: SentOn;
  #targets: Target[] = [];
  readonly #live = new LiveAttempts();
  #phase: TransferPhase = 'new';
  readonly #incumbent: Incumbent;
  readonly #joining: Joining;
  #last: AttemptFailure = { outcome: 'failed', detail: 'nothing was tried', rang: false };
  #outcome: TransferOutcome | null = null;
  #humanConnectedAt: number | null = null;

  constructor(host: CallHost, deps: TransferDeps) {
    const { transfer } = host.context.project;
    this.#host = host;
    this.#deps = deps;
    this.transferId = deps.transferId;
    this.wish = deps.wish;
    this.#mode = deps.wish.mode ?? transfer.mode;
    this.#method = deps.wish.method ?? transfer.method;
    this.#incumbent = new Incumbent(host);
    this.#joining = new Joining(host);
    const { transferId, wish } = deps;
    this.#prelude = new Prelude(
      host,
      () => this.#incumbent.leg,
      () => this.#setOut(),
    );
    this.#redirects = new Redirects(host);
    this.#attended = new AttendedSteps(host, {
      mode: this.#mode,
      method: this.#method,
      incumbent: () => this.#incumbent.leg,
      progress: (progress, destination, detail) => this.#record(progress, destination, detail),
      talking: (three) => this.#talking(three),
      personGone: (detail) => this.#resume('declined', detail),
      complete: (target, consultation) =>
        this.#run([this.#factory.completion(target, consultation, this.#method)]),
      join: (leg, target) => this.#join(leg, target),
    });
    this.#aftermath = new Aftermath(host, transfer, {
      incumbent: () => this.#incumbent.leg,
      last: () => this.#last,
      botDied: wish.reason === 'bot_failure',
      tryNext: () => {
        this.#incumbent.wait(this.#mode);
        this.#tryNext();
      },
      announcing: () => this.#move('announce'),
      isAnnouncing: () => this.#phase === 'announcing',
      conclude: (outcome, detail) => this.#conclude(outcome, detail),
    });
    this.#report = new TransferReport(host, { transferId, wish, mode: this.#mode, method: this.#method });
    const briefer = (): Leg | null => this.#incumbent.speaker;
    this.#factory = new AttemptFactory({ ...deps, host, observer: this, briefer });
    this.#sentOn = new SentOn(host, {
      ...deps,
      observer: this,
      briefer,
      undecided: () => this.undecided,
      run: (attempts, rest) => {
        this.#targets.unshift(...rest);
        this.#run(attempts);
      },
      letGo: (attempt) => this.#live.remove(attempt),
    });
  }

  /** The outcome is not certain yet. */
  get undecided(): boolean {
    return this.#phase !== 'concluding' && this.#phase !== 'ended';
  }
  get phase(): TransferPhase {
    return this.#phase;
  }

  /** Begins; `resolution` says where to, or why not. */
  start(resolution: Resolution): void {
    const { wish } = this;
    this.#report.started(resolution.ok ? resolution.name : (wish.to ?? ''));
    if (!resolution.ok && resolution.code === 'not_allowed') {
      // The caller goes on with whoever it talks to: nothing was touched.
      const refused = { outcome: resolution.code, detail: resolution.detail };
      if (this.#incumbent.leg === null) this.#aftermath.hangUp(refused);
      else this.#conclude(refused.outcome, refused.detail);
      return;
    }
    this.#report.measure();
    this.#host.setState('transferring');
    this.#startTotal();
    wish.listener?.provisional(100, 'Trying');
    if (!resolution.ok) {
      this.#move('try');
      this.#last = { outcome: resolution.code, detail: resolution.detail, rang: false };
      this.#afterFailure();
      return;
    }
    this.#targets = [...resolution.targets];
    if (this.#prelude.start()) this.#move('prepare');
    else this.#setOut();
  }

  #setOut(): void {
    this.#tryNext();
    if (this.#phase === 'trying') this.#incumbent.wait(this.#mode);
  }

  /** Takes the transfer back; the bot has the caller again. */
  cancel(detail: string): void {
    if (!this.undecided) return;
    this.#abortAll('relevo', reasonHeader(487, 'Transfer cancelled'));
    this.#resume('cancelled', detail);
  }

  /** The call is ending. `callerLeft`: because the caller left. */
  callEnding(callerLeft: boolean, end: CallEnd): void {
    if (!this.undecided) return;
    const headers = end.headers ?? reasonHeader(487, callerLeft ? 'The caller hung up' : 'Call ended');
    if (callerLeft && this.#live.callerLeft()) return;
    const { outcome, detail } = this.#last;
    const announcing = this.#phase === 'announcing';
    this.#abortAll(callerLeft ? 'caller' : 'relevo', headers);
    if (announcing) this.#conclude(outcome, detail);
    else if (callerLeft) this.#conclude('caller_gone', `the caller hung up (${end.cause})`);
    else this.#conclude('cancelled', `the call ended (${end.cause})`);
  }

  /** A leg that must outlive the caller's for a moment: the agent's, while the last NOTIFY is awaited. */
  keeps(leg: Leg): boolean {
    return this.undecided && this.#attended.keeps(leg);
  }

  callerLeaves(): boolean {
    return false;
  }

  /** The bot (or the agent who asked for the transfer) is gone; the transfer goes on. */
  incumbentGone(leg: Leg): void {
    const failure = this.undecided ? this.#joining.lost(leg) : null;
    if (failure) {
      this.#last = failure;
      this.#afterFailure();
      return;
    }
    if (this.#incumbent.leg !== leg) return;
    this.#incumbent.lost();
    if (!this.undecided) return;
    this.#prelude.botDone();
    if (this.#attended.part('the bot is gone')) return;
    this.#live.brieferGone();
    this.#incumbent.missed();
  }

  /** The bot says that its brief to the agent is over. */
  briefDone(): boolean {
    if (this.botLeaves()) return true;
    return this.#live.briefDone();
  }

  /** The bot says that it has finished its sentence. */
  botDone(): boolean {
    return this.#prelude.botDone() || this.botLeaves();
  }

  /** The bot leaves the caller and the person to each other; false where the three do not talk. */
  botLeaves(): boolean {
    return this.#attended.part('the bot is done');
  }

  /** The caller, unanswered until the person was there, is answered now. */
  callerAnswered(): void {
    const target = this.#joining.take();
    if (target) this.#joined(target);
  }

  played(promptId: string): void {
    this.#prelude.played(promptId);
    this.#aftermath.played(promptId, this.#targets.length > 0);
  }

  attemptProgress(attempt: Attempt, progress: string, detail: string | null): void {
    this.#record(progress, attempt.target.destination, detail);
  }

  attemptRinging(attempt: Attempt, status: number, reason: string, earlyMedia: Leg | null): void {
    this.#record('ringing', attempt.target.destination, `${status} ${reason}`);
    this.wish.listener?.provisional(status, reason);
    if (attempt.kind === 'invite')
      ringCaller(this.#host, this.#mode, { earlyMedia, alone: this.#live.count === 1 });
  }

  attemptSentOn(attempt: Attempt, leg: Leg, request: InDialogRequest): void {
    if (attempt instanceof InviteAttempt) this.#sentOn.take(attempt, leg, request);
  }

  attemptConnected(attempt: Attempt, leg: Leg): void {
    if (!this.undecided) {
      leg.release();
      return;
    }
    this.#record('accepted', attempt.target.destination, null);
    this.#live.remove(attempt);
    this.#live.abort('relevo', reasonHeader(200, 'Call completed elsewhere'));
    this.#move('reached');
    this.#attended.reached(attempt, leg);
  }

  attemptReferred(attempt: Attempt, confirmed: boolean): void {
    this.#live.clear();
    this.#move('reached');
    const { context } = this.#host;
    noteReferWorked(this.#host);
    const { byeGraceMs } = context.project.transfer.timers;
    const { destination } = attempt.target;
    this.#record('connected', destination, confirmed ? null : 'not confirmed by a NOTIFY');
    if (confirmed) this.#humanConnectedAt ??= context.wallMs();
    this.#attended.referred(byeGraceMs);
    if (confirmed) this.#conclude('completed', `${destination} has the caller, by REFER`);
    else
      this.#conclude(
        'completed_unconfirmed',
        `the peer took the REFER and left without saying what became of it`,
      );
    if (this.#host.ending) return;
    this.#incumbent.release();
    this.#host.transferredAway(byeGraceMs);
  }

  attemptFailed(attempt: Attempt, failure: AttemptFailure): void {
    this.#live.remove(attempt);
    this.#last = failure;
    this.#record('failed', attempt.target.destination, failure.detail);
    if (!this.undecided || this.#redirected(attempt, failure) || this.#live.count > 0) return;
    const { caller } = this.#host.roles;
    if (this.#host.ending || !caller || (!caller.up && !caller.pending)) {
      this.#abortAll('caller', reasonHeader(487, 'The caller hung up'));
      this.#conclude(failure.outcome, failure.detail);
      return;
    }
    if (attempt.kind === 'refer' && failure.outcome === 'refer_rejected') noteReferRefused(this.#host);
    // The person is there: the caller is joined by the bridge rather than sent back.
    if (this.#attended.fallBack()) return;
    const next = attempt.kind === 'refer' ? afterRefer(this.#host, this.#method, failure) : 'go on';
    if (next === 'invite') this.#begin([attempt.target], 'invite');
    else if (next === 'hangup') this.#aftermath.hangUp(failure);
    else if (next === 'resume') this.#resume(failure.outcome, failure.detail);
    else this.#afterFailure();
  }

  /** Nothing more can be awaited. */
  forget(): void {
    this.#abortAll('relevo', {});
    this.#conclude('failed', 'the call was ended by force');
    this.#report.finishNow();
  }

  mayReplace(): boolean {
    if (this.#joining.waiting || this.#attended.busy) return false;
    return this.#live.allInvites;
  }

  replaced(leg: Leg, by: Leg): void {
    this.#incumbent.replaced(leg, by);
  }

  completeWith(leg: Leg): boolean {
    return this.#live.takeNow(leg);
  }

  dump(): object {
    return {
      transferId: this.transferId,
      phase: this.#phase,
      outcome: this.#outcome,
      live: this.#live.dump(),
      left: this.#targets.length,
    };
  }

  /** Three talk, or are two again. A conversation is not waiting: its own bound ends it. */
  #talking(three: boolean): void {
    const { context } = this.#host;
    this.#move(three ? 'meet' : 'reached');
    if (three) {
      this.#humanConnectedAt = context.wallMs();
      context.timers.stop('transfer.total');
    } else {
      this.#startTotal();
    }
  }

  #startTotal(): void {
    const { timers, project } = this.#host.context;
    timers.start('transfer.total', project.transfer.timers.totalMs, () => this.#tooLong());
  }

  /** A 3xx that may be followed is one more attempt. */
  #redirected(attempt: Attempt, failure: AttemptFailure): boolean {
    if (this.#host.ending || this.#attended.consulting) return false;
    const { targets, refused } = this.#redirects.after(attempt.target, failure);
    const [first, ...rest] = targets;
    if (refused !== null) this.#last = { ...failure, outcome: 'not_allowed', detail: refused };
    if (!first) return false;
    this.#record('redirected', attempt.target.destination, first.destination);
    this.#targets.unshift(...rest);
    this.#begin([first], 'invite');
    return true;
  }

  #tryNext(): void {
    const batch = nextBatch(this.#targets);
    if (batch.length === 0) {
      this.#afterFailure();
      return;
    }
    const method = chooseMethod(this.#host, this.wish, {
      mode: this.#mode,
      method: this.#method,
      alone: batch.length === 1,
    });
    this.#begin(batch, method);
  }

  #begin(batch: readonly Target[], method: 'refer' | 'invite'): void {
    this.#move('try');
    const { caller } = this.#host.roles;
    const attempts = batch.map((target) =>
      method === 'refer' && caller ? this.#factory.refer(caller, target, null) : this.#factory.invite(target),
    );
    this.#run(attempts);
  }

  #run(attempts: readonly Attempt[]): void {
    this.#live.add(attempts);
    for (const attempt of attempts) {
      this.#report.attempt(attempt.log);
      attempt.start();
    }
  }

  #join(leg: Leg, target: Target): void {
    if (this.#joining.join(leg, target)) this.#joined(target);
  }

  #joined(target: Target): void {
    this.#humanConnectedAt ??= this.#host.context.wallMs();
    this.#record('connected', target.destination, null);
    // The caller hears the person before the bot is let go.
    this.#conclude('completed', 'the caller and the person are joined');
    this.#incumbent.release();
  }

  #tooLong(): void {
    if (!this.undecided || this.#phase === 'announcing') return;
    const { totalMs } = this.#host.context.project.transfer.timers;
    const { rang } = this.#last;
    this.#abortAll('relevo', reasonHeader(408, 'Transfer timeout'));
    this.#last = { outcome: 'timeout', detail: `no result within ${totalMs} ms`, rang };
    this.#targets = [];
    if (this.#host.ending) this.#conclude('timeout', this.#last.detail);
    else this.#afterFailure();
  }

  /** The last attempt failed: the next destination, or the steps that the project wants. */
  #afterFailure(): void {
    this.#aftermath.go(this.#targets.length > 0);
  }

  #resume(outcome: TransferOutcome, detail: string): void {
    this.#aftermath.resume({ outcome, detail });
  }

  #abortAll(endedBy: EndedBy, headers: SipHeaders): void {
    this.#prelude.stop();
    this.#live.abort(endedBy, headers);
    const leg = this.#attended.leave(endedBy);
    if (!leg) return;
    if (endedBy === 'caller') this.#deps.notices.give(leg, headers);
    else leg.release({ headers });
  }

  /** The outcome is certain, once and for all; the result goes out as soon as the silence was measured. */
  #conclude(outcome: TransferOutcome, detail: string): void {
    if (!this.undecided) return;
    this.#move('conclude');
    const { context } = this.#host;
    for (const name of ['transfer.total', 'transfer.announce']) context.timers.stop(name);
    this.#outcome = outcome;
    this.wish.listener?.concluded(outcome);
    this.#report.conclude({ outcome, detail, humanConnectedAt: this.#humanConnectedAt }, (result) => {
      this.#move('finish');
      this.wish.listener?.ended(result);
      this.#deps.over(result);
    });
  }

  #record(progress: string, destination: string, detail: string | null): void {
    this.#report.progress(progress, destination, detail);
  }

  #move(trigger: TransferTrigger): void {
    const next = nextTransferPhase(this.#phase, trigger);
    if (next === null) this.#host.context.impossible('transfer', { phase: this.#phase, trigger });
    else this.#phase = next;
  }
}
