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

/**
 * Questions to the policy thread. Each is decided exactly once: by the answer, or by its fallback at the deadline,
 * at once where no policy thread is attached. An answer after the deadline has no effect.
 */
export class PolicyLink {
  readonly #clock: Clock;
  #port: PolicyPortLike | null = null;
  readonly #asked = new Map<string, Asked>();
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
      decided(fallback, true);
    });
    this.#asked.set(wireId, { decided, fallback, deadline });
    this.#port?.postMessage({ kind: 'ask', question: { ...question, questionId: wireId } });
  }

  #onDecision({ questionId, decision }: FromPolicy): void {
    const asked = this.#asked.get(questionId);
    if (!asked) return;
    this.#asked.delete(questionId);
    asked.deadline.cancel();
    this.#answered += 1;
    asked.decided(decision, false);
  }

  /** Idempotent. Questions that are out are not decided any more. */
  close(): void {
    for (const { deadline } of this.#asked.values()) deadline.cancel();
    this.#asked.clear();
    this.#port?.close();
    this.#port = null;
  }
}
