import type { ProjectRules } from '../call/decision.js';
import type { CallPlan } from '../call/project.js';

/** What the policy thread needs of a plan: the rules of each project. */
export function rulesByProject(plan: CallPlan): ProjectRules {
  return Object.fromEntries(Object.entries(plan.projects).map(([name, project]) => [name, project.rules]));
}
