import type { CallContext } from '../call-context.js';
import type { Leg } from '../leg/leg.js';
import type { ReferPolicy, Trunk } from '../project.js';

/** What becomes of a REFER on this leg, by its trunk or bot; `agentTrunk` is that of the person. */
export function referPolicyOf(context: CallContext, leg: Leg, agentTrunk: Trunk | null): ReferPolicy {
  const { plan, project, trunk } = context.deps;
  if (leg.party === 'caller') return trunk.referPolicy;
  if (leg.party === 'bot') return plan.bots[project.bot]?.referPolicy ?? 'reject';
  return agentTrunk?.referPolicy ?? 'reject';
}

/** May the far end of this leg have a dialog of another call replaced? Null for a bot without a trunk of its own. */
export function mayReplaceOthers(context: CallContext, leg: Leg, agentTrunk: Trunk | null): boolean | null {
  const { plan, project, trunk } = context.deps;
  if (leg.party === 'caller') return trunk.acceptReplaces;
  if (leg.party === 'agent') return agentTrunk?.acceptReplaces ?? false;
  const own = plan.bots[project.bot]?.trunk ?? null;
  return own === null ? null : (plan.trunks[own]?.acceptReplaces ?? false);
}
