import type { FailureStep } from '../project.js';

/** Walks `on_failure`: `next` is repeated while there are destinations; at the end the bot resumes. */
export class FailureSteps {
  readonly #steps: readonly FailureStep[];
  #at = 0;

  constructor(steps: readonly FailureStep[]) {
    this.#steps = steps;
  }

  /** The step to take now. */
  next(moreDestinations: boolean): FailureStep {
    for (;;) {
      const step = this.#steps[this.#at];
      if (step === undefined) return 'resume-bot';
      if (step === 'next' && moreDestinations) return step;
      this.#at += 1;
      if (step !== 'next') return step;
    }
  }
}
