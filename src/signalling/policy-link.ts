import type { PolicyDecision, PolicyQuestion } from '../call/decision.js';
import type { Clock, Timer } from '../common/clock.js';
import type { FromPolicy, ToPolicy } from '../policy/thread-messages.js';

/** The side of a MessagePort that is used here, so that tests can play the policy thread. */
export interface PolicyPortLike {
  postMessage(message: ToPolicy): void;
  on(event: 'message', listener: (message: FromPolicy) => void): unknown;
  close(): void;
}

export type Decided = (decision: PolicyDecision, late: boolean) => void;

interface Asked {
  readonly decided: Decided;
  readonly fallback: PolicyDecision;
  readonly deadline: Timer;
}

interface Overdue {
  readonly decided: Decided;
  readonly sinceMs: number;
}

/** How long after its deadline an answer is still passed on; what it is worth then is for the call to say. */
const OVERDUE_MS = 5_000;

/**
 * Questions to the policy thread. Each is decided by the answer, or by its fallback at the deadline, at once where
 * no policy thread is attached. An answer that comes within 5 s after the deadline is passed on too, marked late.
 */
export class PolicyLink {
  readonly #clock: Clock;
  #port: PolicyPortLike | null = null;
  readonly #asked = new Map<string, Asked>();
  /** Oldest first. */
  readonly #overdue = new Map<string, Overdue>();
  #next = 0;
  #answered = 0;
  #late = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Questions that were decided by their fallback. */
  get late(): number {
    return this.#late;
  }

  get pending(): number {
    return this.#asked.size;
  }

  /** Replaces the former port; questions that are out keep their deadline. */
  attach(port: PolicyPortLike): void {
    this.#port?.close();
    this.#port = port;
    port.on('message', (message) => this.#onDecision(message));
  }

  /** `decided` is never called within this call. */
  ask(question: PolicyQuestion, deadlineMs: number, fallback: PolicyDecision, decided: Decided): void {
    // Calls number their questions by themselves: the name on the wire must be one of this thread.
    const wireId = String(++this.#next);
    const deadline = this.#clock.after(this.#port ? deadlineMs : 0, () => {
      this.#asked.delete(wireId);
      this.#late += 1;
      this.#keepOverdue(wireId, decided);
      decided(fallback, true);
    });
    this.#asked.set(wireId, { decided, fallback, deadline });
    this.#port?.postMessage({ kind: 'ask', question: { ...question, questionId: wireId } });
  }

  #onDecision({ questionId, decision }: FromPolicy): void {
    const asked = this.#asked.get(questionId);
    if (!asked) {
      this.#onOverdue(questionId, decision);
      return;
    }
    this.#asked.delete(questionId);
    asked.deadline.cancel();
    this.#answered += 1;
    asked.decided(decision, false);
  }

  #keepOverdue(wireId: string, decided: Decided): void {
    const now = this.#clock.now();
    for (const [id, { sinceMs }] of this.#overdue) {
      if (now - sinceMs <= OVERDUE_MS) break;
      this.#overdue.delete(id);
    }
    this.#overdue.set(wireId, { decided, sinceMs: now });
  }

  #onOverdue(wireId: string, decision: PolicyDecision): void {
    const overdue = this.#overdue.get(wireId);
    if (!overdue) return;
    this.#overdue.delete(wireId);
    if (this.#clock.now() - overdue.sinceMs <= OVERDUE_MS) overdue.decided(decision, true);
  }

  /** Idempotent. Questions that are out are not decided any more. */
  close(): void {
    for (const { deadline } of this.#asked.values()) deadline.cancel();
    this.#asked.clear();
    this.#overdue.clear();
    this.#port?.close();
    this.#port = null;
  }
}
