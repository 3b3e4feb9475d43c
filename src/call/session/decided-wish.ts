import type { TransferWish } from '../call-host.js';
import type { PolicyDecision } from '../decision.js';

type Decided = Omit<Extract<PolicyDecision, { kind: 'transfer' }>, 'kind' | 'rule' | 'evidence'> &
  Pick<TransferWish, 'rule' | 'evidence'>;

/** The wish that a decision of the policy comes to: nobody who asked for it waits for news. */
export function decidedWish({ to, reason, rule, evidence, mode, method }: Decided): TransferWish {
  return {
    transferId: null,
    to,
    reason,
    rule,
    evidence,
    mode,
    method,
    headers: {},
    summary: null,
    referredBy: null,
    replaces: null,
    listener: null,
  };
}
