import type { DryRunReport } from '../../api/dry-run-schema.js';
import type { DirectoryState } from '../../call/destinations/destination-directory.js';
import type { CallPlan, Project, Trunk } from '../../call/project.js';
import type { AdmissionState } from '../../signalling/admission.js';

type Limit = DryRunReport['limits'][number];

/** What of a running node counts against limits; null offline. */
export interface DryRunLoad {
  readonly admission: AdmissionState;
  readonly slots: DirectoryState['slots'];
}

/** The limits that the described call meets, in the order in which they are asked, each with what counts now. */
export function limitsOf(plan: CallPlan, project: Project, trunk: Trunk, load: DryRunLoad | null): Limit[] {
  const { admission, slots } = load ?? { admission: null, slots: null };
  const ofTrunk = `trunk ${trunk.name}`;
  const ofProject = `project ${project.name}`;
  const transfers = (of: string): number | null => (slots ? (slots[of] ?? 0) : null);
  const trunkState = admission?.trunks[trunk.name];
  return [
    calls('node', plan.limits.maxCalls, admission && admission.calls),
    calls(ofTrunk, trunk.maxCalls, admission && (trunkState?.calls ?? 0)),
    rate('node', plan.limits.maxCps, admission && admission.attemptsLeft),
    rate(ofTrunk, trunk.maxCps, admission && (trunkState?.attemptsLeft ?? trunk.maxCps)),
    slotsOf(ofProject, project.limits.transfers, transfers(ofProject)),
  ].filter((limit): limit is Limit => limit !== null);
}

/** Why the call would be refused with 503 now; null where it would be taken. */
export function overLimit(limits: readonly Limit[]): DryRunReport['refused'] {
  const met = limits.find(({ name, exceeded }) => exceeded === true && name !== 'limits.transfers');
  if (!met) return null;
  const reason = `${met.of === 'node' ? '' : 'trunk_'}${met.name === 'max_calls' ? 'call_limit' : 'rate_limit'}`;
  const detail = `${met.name} ${met.limit} of ${met.of === 'node' ? 'the node' : met.of} is reached (${met.now} now)`;
  return { status: 503, reason, detail };
}

function calls(of: string, limit: number | null, now: number | null): Limit | null {
  return limit === null || limit <= 0
    ? null
    : { name: 'max_calls', of, limit, now, exceeded: now === null ? null : now >= limit };
}

/** `left`: attempts that would be taken at once; null offline. What was used of this second stands as `now`. */
function rate(of: string, limit: number | null, left: number | null): Limit | null {
  if (limit === null || limit <= 0) return null;
  const now = left === null ? null : Math.max(0, Math.round(limit - left));
  return { name: 'max_cps', of, limit, now, exceeded: left === null ? null : left < 1 };
}

function slotsOf(of: string, limit: number | null, now: number | null): Limit | null {
  return limit === null
    ? null
    : { name: 'limits.transfers', of, limit, now, exceeded: now === null ? null : now >= limit };
}
