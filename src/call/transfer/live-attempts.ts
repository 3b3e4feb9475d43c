import type { Leg } from '../leg/leg.js';
import type { EndedBy, SipHeaders } from '../vocabulary.js';
import type { Attempt } from './attempt.js';
import { InviteAttempt } from './invite-attempt.js';

/** The attempts of a transfer that are under way: one, those of a simultaneous group, or one that was sent on. */
export class LiveAttempts {
  #attempts: readonly Attempt[] = [];

  get count(): number {
    return this.#attempts.length;
  }
  /** None of them is a REFER. */
  get allInvites(): boolean {
    return this.#attempts.every((one) => one.kind === 'invite');
  }

  add(attempts: readonly Attempt[]): void {
    this.#attempts = [...this.#attempts, ...attempts];
  }
  remove(attempt: Attempt): void {
    this.#attempts = this.#attempts.filter((one) => one !== attempt);
  }
  clear(): void {
    this.#attempts = [];
  }

  /** Takes all of them back. */
  abort(endedBy: EndedBy, headers: SipHeaders): void {
    const aborted = this.#attempts;
    this.#attempts = [];
    for (const attempt of aborted) attempt.abort(endedBy, headers);
  }

  /** The caller left; true where one of them still awaits its outcome. Each is told. */
  callerLeft(): boolean {
    return this.#attempts.filter((attempt) => attempt.callerLeft()).length > 0;
  }

  /** The bot says that its brief is over; true where somebody was briefed. */
  briefDone(): boolean {
    return this.#invites().some((attempt) => attempt.briefDone());
  }
  brieferGone(): void {
    for (const attempt of this.#invites()) attempt.brieferGone();
  }
  /** The person on this leg takes the call; false where it is asked by none. */
  takeNow(leg: Leg): boolean {
    return this.#invites().some((attempt) => attempt.takeNow(leg));
  }

  dump(): object {
    return this.#attempts.map(({ kind, target }) => ({ destination: target.destination, kind }));
  }

  #invites(): InviteAttempt[] {
    return this.#attempts.filter((one) => one instanceof InviteAttempt);
  }
}
