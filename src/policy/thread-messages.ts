import type { PolicyDecision, PolicyQuestion } from '../call/decision.js';

/** Signalling thread → policy thread, over their own port. */
export type ToPolicy = { readonly kind: 'ask'; readonly question: PolicyQuestion };

/** Policy thread → signalling thread. */
export type FromPolicy = {
  readonly kind: 'decide';
  readonly questionId: string;
  readonly decision: PolicyDecision;
};
