import type { CallPlan, Rule } from '../call/project.js';

/** What the policy thread needs of a plan: the rules of each project. */
export function rulesByProject(plan: CallPlan): Record<string, readonly Rule[]> {
  return Object.fromEntries(Object.entries(plan.projects).map(([name, project]) => [name, project.rules]));
}
