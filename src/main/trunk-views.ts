import type { TrunkView } from '../api/trunk-schema.js';
import type { DirectoryState } from '../call/destinations/destination-directory.js';
import type { CallPlan } from '../call/project.js';
import type { TrunkAttempts } from '../observe/trunk-book.js';
import type { SignallingTrunks, TrunkCounts } from '../signalling/thread-messages.js';

/** The trunk of a destination that has one: groups have none. */
export function trunkOfDestination(plan: CallPlan, name: string): string | null {
  const destination = Object.hasOwn(plan.destinations, name) ? plan.destinations[name] : undefined;
  return destination === undefined || destination.type === 'group' ? null : destination.trunk;
}

/** Puts together what the plan, signalling and the records tell of each trunk. */
export function trunkViews(
  plan: CallPlan,
  { trunks, directory, registrations }: SignallingTrunks,
  attemptsOf: (trunk: string) => TrunkAttempts,
): TrunkView[] {
  const busy = new Map<string, number>();
  for (const [destination, count] of Object.entries(directory.busy)) {
    const trunk = trunkOfDestination(plan, destination);
    if (trunk !== null) busy.set(trunk, (busy.get(trunk) ?? 0) + count);
  }
  return Object.values(plan.trunks).map(({ name, hosts, allow, maxCalls, transferMethod }) => {
    const counts = trunks[name];
    const attempts = attemptsOf(name);
    return {
      name,
      hosts,
      allow,
      callsIn: counts?.calls ?? 0,
      callsOut: busy.get(name) ?? 0,
      maxCalls,
      refused: { ...counts?.refused },
      attempts: attempts.tried,
      failedAttempts: attempts.failed,
      lastFailure: lastFailure(counts?.lastRefused ?? null, attempts.lastFailure),
      transferMethod,
      learned: learnedMethod(name, directory),
      registration: registrations[name] ?? null,
    };
  });
}

function lastFailure(
  refused: TrunkCounts['lastRefused'],
  attempt: TrunkAttempts['lastFailure'],
): TrunkView['lastFailure'] {
  if (attempt && (!refused || attempt.at >= refused.at)) return { what: 'attempt failed', ...attempt };
  if (!refused) return null;
  const { at, reason, status } = refused;
  return { at: Math.round(at), what: 'invite refused', status, detail: reason, callId: null };
}

function learnedMethod(trunk: string, { methods }: DirectoryState): TrunkView['learned'] {
  const refused = methods.refusedAgoMs[trunk];
  const worked = methods.workedAgoMs[trunk];
  if (refused !== undefined && (worked === undefined || refused <= worked))
    return { method: 'invite', agoS: Math.round(refused / 1000) };
  return worked === undefined ? null : { method: 'refer', agoS: Math.round(worked / 1000) };
}
