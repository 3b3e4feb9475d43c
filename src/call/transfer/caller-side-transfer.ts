import type { CallEnd, CallHost, TransferWish } from '../call-host.js';
import { reasonHeader } from '../context/sip-headers.js';
import type { Resolution, Target } from '../destinations/destination-directory.js';
import type { Leg } from '../leg/leg.js';
import type { EndedBy, SipHeaders, TransferOutcome } from '../vocabulary.js';
import type { Attempt, AttemptFailure, AttemptObserver } from './attempt.js';
import type { DeskTransfer, TransferDeps } from './desk-transfer.js';
import { InviteAttempt } from './invite-attempt.js';
import { nextBatch } from './next-batch.js';
import { ReferAttempt } from './refer-attempt.js';
import { callerSideHeaders, referHeaders } from './transfer-headers.js';
import { nextTransferPhase, type TransferPhase, type TransferTrigger } from './transfer-phase.js';
import { TransferReport } from './transfer-report.js';
import { ringbackSource } from './ringback-source.js';

/**
 * The caller's side hands its end of the call to somebody else (RFC 5589 with the caller as transferor): the target
 * is dialled first, then joined with the bot or the person, then the old caller gets its BYE. Where the trunk says
 * `pass`, the bot or the person is asked to dial instead.
 */
export class CallerSideTransfer implements DeskTransfer, AttemptObserver {
  readonly transferId: string;
  readonly #host: CallHost;
  readonly #deps: TransferDeps;
  readonly #wish: TransferWish;
  readonly #report: TransferReport;
  readonly #survivor: Leg | null;
  #phase: TransferPhase = 'new';
  #live: Attempt[] = [];
  #targets: Target[] = [];
  #last: Pick<AttemptFailure, 'outcome' | 'detail'> = { outcome: 'failed', detail: 'nothing was tried' };

  constructor(host: CallHost, deps: TransferDeps) {
    const { transferId, wish } = deps;
    this.#host = host;
    this.#deps = deps;
    this.#wish = wish;
    this.transferId = transferId;
    this.#survivor = host.roles.agent ?? host.roles.bot;
    const method = wish.passOn ? 'refer' : wish.replaces === null ? 'invite' : 'replaces';
    this.#report = new TransferReport(host, { transferId, wish, mode: 'blind', method });
  }

  get undecided(): boolean {
    return this.#phase !== 'concluding' && this.#phase !== 'ended';
  }

  start(resolution: Resolution): void {
    const { context } = this.#host;
    this.#report.started(resolution.ok ? resolution.name : (this.#wish.to ?? ''));
    if (!this.#survivor?.up || (!resolution.ok && resolution.code === 'not_allowed')) {
      this.#conclude('not_allowed', resolution.ok ? 'nobody talks to the caller' : resolution.detail);
      return;
    }
    this.#report.measure();
    const { totalMs } = context.project.transfer.timers;
    context.timers.start('transfer.total', totalMs, () => {
      this.#abortAll('relevo', reasonHeader(408, 'Transfer timeout'));
      this.#fail({ outcome: 'timeout', detail: `no result within ${totalMs} ms` });
    });
    this.#host.setState('transferring');
    this.#wish.listener?.provisional(100, 'Trying');
    this.#move('try');
    if (!resolution.ok) {
      this.#fail({ outcome: resolution.code, detail: resolution.detail });
      return;
    }
    this.#targets = [...resolution.targets];
    this.#tryNext();
  }

  cancel(detail: string): void {
    if (!this.undecided) return;
    this.#abortAll('relevo', reasonHeader(487, 'Transfer cancelled'));
    this.#fail({ outcome: 'cancelled', detail });
  }

  callEnding(callerLeft: boolean, end: CallEnd): void {
    if (!this.undecided) return;
    this.#abortAll(callerLeft ? 'caller' : 'relevo', end.headers ?? reasonHeader(487, 'Call ended'));
    this.#conclude(callerLeft ? 'caller_gone' : 'cancelled', `the call ended (${end.cause})`);
  }

  keeps(): boolean {
    return false;
  }

  /** The referrer hangs up early: whoever is left waits for the target. */
  callerLeaves(): boolean {
    if (!this.undecided || !this.#survivor?.up) return false;
    const { bridge, roles, context } = this.#host;
    const survivor = this.#survivor;
    if (survivor === roles.agent) bridge.play(survivor, ringbackSource(context.project));
    else bridge.play(survivor, { kind: 'silence' });
    return true;
  }

  incumbentGone(leg: Leg): void {
    if (leg !== this.#survivor || !this.undecided) return;
    // A survivor that was referred may leave before its last NOTIFY, like a caller's side that was.
    if (this.#live.filter((attempt) => attempt.callerLeft()).length > 0) return;
    const by = leg.party === 'agent' ? 'agent' : 'bot';
    this.#abortAll(by, reasonHeader(487, 'The other side hung up'));
    this.#conclude('failed', `the ${by} hung up`);
    this.#host.end({ endedBy: by, cause: 'bye', headers: {} });
  }

  briefDone(): boolean {
    return false;
  }
  botDone(): boolean {
    return false;
  }
  botLeaves(): boolean {
    return false;
  }
  callerAnswered(): void {
    // The caller's side was answered long ago.
  }
  played(): void {
    // Nothing is played to the caller's side here.
  }

  attemptProgress(attempt: Attempt, progress: string, detail: string | null): void {
    this.#report.progress(progress, attempt.target.destination, detail);
  }

  attemptRinging(attempt: Attempt, status: number, reason: string): void {
    this.#report.progress('ringing', attempt.target.destination, `${status} ${reason}`);
    this.#wish.listener?.provisional(status, reason);
  }

  attemptConnected(attempt: Attempt, leg: Leg): void {
    const survivor = this.#survivor;
    if (!this.undecided || !survivor?.up) {
      leg.release();
      return;
    }
    this.#live = this.#live.filter((one) => one !== attempt);
    this.#abortAll('relevo', reasonHeader(200, 'Call completed elsewhere'));
    this.#move('reached');
    const referrer = this.#host.roles.caller;
    this.#host.joinCaller(leg, survivor);
    this.#report.progress('connected', attempt.target.destination, null);
    this.#conclude(
      'completed',
      'the new caller side and the survivor are joined',
      this.#host.context.wallMs(),
    );
    referrer?.release({ headers: reasonHeader(200, 'Call transferred') });
  }

  attemptReferred(attempt: Attempt, confirmed: boolean): void {
    this.#live = [];
    this.#move('reached');
    const { context, roles } = this.#host;
    this.#report.progress('connected', attempt.target.destination, null);
    const outcome = confirmed ? 'completed' : 'completed_unconfirmed';
    this.#conclude(outcome, `${attempt.target.destination} was dialled by the other side, by REFER`);
    if (roles.caller) this.#host.transferredAway(context.project.transfer.timers.byeGraceMs);
    else this.#host.end({ endedBy: 'caller', cause: 'transferred' });
  }

  attemptFailed(attempt: Attempt, failure: AttemptFailure): void {
    this.#live = this.#live.filter((one) => one !== attempt);
    this.#last = failure;
    this.#report.progress('failed', attempt.target.destination, failure.detail);
    if (!this.undecided || this.#live.length > 0) return;
    if (this.#targets.length > 0 && this.#survivor?.up) this.#tryNext();
    else this.#fail(failure);
  }

  forget(): void {
    this.#abortAll('relevo', {});
    this.#conclude('failed', 'the call was ended by force');
    this.#report.finishNow();
  }

  mayReplace(): boolean {
    // Either its REFER is being carried out, or the other side is what the target will be joined with.
    return false;
  }
  replaced(): void {
    // Never allowed.
  }
  completeWith(): boolean {
    return false;
  }

  dump(): object {
    const live = this.#live.map((attempt) => attempt.target.destination);
    return {
      transferId: this.transferId,
      side: 'caller',
      phase: this.#phase,
      live,
      left: this.#targets.length,
    };
  }

  #tryNext(): void {
    const batch = nextBatch(this.#targets);
    if (batch.length === 0) {
      this.#fail(this.#last);
      return;
    }
    this.#move('try');
    const attempts = batch.map((target) => this.#attempt(target));
    this.#live.push(...attempts);
    for (const attempt of attempts) {
      this.#report.attempt(attempt.log);
      attempt.start();
    }
  }

  #attempt(target: Target): Attempt {
    const { replaces } = this.#wish;
    if (this.#wish.passOn && this.#survivor) {
      const headers = referHeaders(this.#host, this.#wish, target, { uri: target.uri, replaces });
      return new ReferAttempt(this.#host, this.#survivor, target, this, headers, this.#deps.refers);
    }
    return new InviteAttempt(this.#host, target, this, {
      ...callerSideHeaders(this.#host, this.#wish, target),
      method: replaces === null ? 'invite' : 'replaces',
      party: 'caller',
      acceptDigit: null,
      brief: 'none',
      briefer: () => null,
    });
  }

  /** The call goes on as it was, or ends where the referrer has left already. */
  #fail({ outcome, detail }: Pick<AttemptFailure, 'outcome' | 'detail'>): void {
    const { roles } = this.#host;
    this.#conclude(outcome, detail);
    if (this.#host.ending) return;
    if (roles.caller) this.#host.setState(this.#survivor === roles.agent ? 'with_agent' : 'with_bot');
    else this.#host.end({ endedBy: 'caller', cause: `transfer_failed: ${outcome}` });
  }

  #abortAll(endedBy: EndedBy, headers: SipHeaders): void {
    for (const attempt of this.#live.splice(0)) attempt.abort(endedBy, headers);
    this.#targets = [];
  }

  #conclude(outcome: TransferOutcome, detail: string, humanConnectedAt: number | null = null): void {
    if (!this.undecided) return;
    this.#move('conclude');
    this.#host.context.timers.stop('transfer.total');
    this.#wish.listener?.concluded(outcome);
    this.#report.conclude({ outcome, detail, humanConnectedAt }, (result) => {
      this.#move('finish');
      this.#wish.listener?.ended(result);
      this.#deps.over(result);
    });
  }

  #move(trigger: TransferTrigger): void {
    const next = nextTransferPhase(this.#phase, trigger);
    if (next === null) this.#host.context.impossible('transfer', { phase: this.#phase, trigger });
    else this.#phase = next;
  }
}
