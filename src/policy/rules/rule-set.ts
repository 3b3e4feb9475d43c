import type {
  CallFacts,
  PolicyDecision,
  PolicyQuestion,
  ProjectRules,
  Rule,
  RuleCondition,
} from '../../call/decision.js';
import { assertUnreachable } from '../../common/assert.js';
import { compileExpression, expressionErrorMessage, type CompiledExpression } from './expression.js';

/** The turns that travel with a question, at most; from there on they can no longer be numbered. */
const MAX_TURNS = 32;

/** What an evaluation reports beside its decision. */
export interface RuleSetEvents {
  /** An expression failed for the first time since it was compiled; it counts as false. */
  onExpressionError(project: string, rule: string, message: string): void;
}

interface CompiledRule {
  readonly rule: Rule;
  readonly expression: CompiledExpression | null;
  errors: number;
}

/** The rules of every project, compiled once per configuration. */
export interface RuleSet {
  /** The first rule of the project that holds, or `none`. Never throws. */
  decide(question: PolicyQuestion): PolicyDecision;
  /** Evaluations of expressions that failed, over all rules. */
  readonly expressionErrors: number;
}

/** Compiles the rules. Throws for an expression that `checkExpression` refuses. */
export function compileRules(projects: ProjectRules, events: RuleSetEvents): RuleSet {
  const compiled = new Map<string, CompiledRule[]>();
  for (const [project, rules] of Object.entries(projects)) {
    compiled.set(
      project,
      rules.map((rule) => ({
        rule,
        expression: rule.condition.kind === 'when' ? compileExpression(rule.condition.expression) : null,
        errors: 0,
      })),
    );
  }
  let expressionErrors = 0;

  const holds = (entry: CompiledRule, question: PolicyQuestion): string | null => {
    if (!entry.expression) return evidenceOf(entry.rule.condition, question);
    if (question.event.kind === 'tick' && question.facts.transfers > 0) return null;
    try {
      return entry.expression(question) ? whenEvidence(entry.rule.condition) : null;
    } catch (thrown) {
      expressionErrors += 1;
      entry.errors += 1;
      if (entry.errors === 1) {
        events.onExpressionError(question.facts.project, entry.rule.name, expressionErrorMessage(thrown));
      }
      return null;
    }
  };

  return {
    decide(question) {
      for (const entry of compiled.get(question.facts.project) ?? []) {
        const evidence = holds(entry, question);
        if (evidence === null) continue;
        const { name, reason, to, mode, method } = entry.rule;
        return { kind: 'transfer', rule: name, reason, to, mode, method, evidence };
      }
      return { kind: 'none' };
    },
    get expressionErrors() {
      return expressionErrors;
    },
  };
}

/** What made a condition true, as a sentence; null where it does not hold. */
function evidenceOf(condition: RuleCondition, { event, facts }: PolicyQuestion): string | null {
  switch (condition.kind) {
    case 'intent': {
      if (event.kind !== 'turn' || event.intent === null) return null;
      const intent = event.intent.toLowerCase();
      return condition.intents.some((wanted) => wanted.toLowerCase() === intent)
        ? `intent ${event.intent}${event.confidence === null ? '' : ` with confidence ${event.confidence}`}`
        : null;
    }
    case 'low_confidence':
      return event.kind === 'turn' ? lowConfidence(condition, facts) : null;
    case 'no_match':
      return event.kind === 'no_match' && runIsDue(facts.noMatchRun, condition.turns, facts)
        ? `not understood ${times(facts.noMatchRun)} in a row`
        : null;
    case 'no_input':
      return event.kind === 'no_input' && runIsDue(facts.noInputRun, condition.turns, facts)
        ? `nothing heard ${times(facts.noInputRun)} in a row`
        : null;
    case 'dtmf':
      return event.kind === 'dtmf' && facts.digits.endsWith(condition.digits)
        ? `${condition.digits.length === 1 ? 'digit' : 'digits'} ${condition.digits}`
        : null;
    case 'duration':
      // Time only ever grows: after a first transfer this would fire for ever.
      return facts.transfers === 0 && facts.durationS > condition.overS
        ? `the call has lasted ${Math.floor(facts.durationS)} s, over ${condition.overS} s`
        : null;
    case 'bot_unreachable':
      if (event.kind !== 'bot_unreachable') return null;
      return event.status === null ? 'the bot could not be reached' : `the bot answered ${event.status}`;
    case 'when':
      return null;
    default:
      return assertUnreachable(condition, 'rule condition');
  }
}

function whenEvidence(condition: RuleCondition): string {
  return condition.kind === 'when' ? `true: ${condition.expression}` : '';
}

function lowConfidence(
  condition: { readonly below: number; readonly turns: number },
  facts: CallFacts,
): string | null {
  const isLow = (confidence: number | null): confidence is number =>
    confidence !== null && confidence < condition.below;
  let run = 0;
  while (run < facts.turns.length && isLow(facts.turns[facts.turns.length - 1 - run]!.confidence)) run += 1;
  if (!runIsDue(run, condition.turns, facts)) return null;

  const first = facts.turns.length - condition.turns;
  const confidences = facts.turns.slice(first).map((turn) => turn.confidence);
  const numbers = confidences.map((_, index) => first + index + 1).join(', ');
  const turns = condition.turns === 1 ? 'turn' : 'turns';
  const which =
    facts.turns.length < MAX_TURNS
      ? `${turns} ${numbers}`
      : `the last ${condition.turns === 1 ? '' : `${condition.turns} `}${turns}`;
  return `${which} had confidence ${confidences.join(', ')}, below ${condition.below}`;
}

/** Once the run is long enough; after a first transfer only at each multiple, so that it does not fire at every turn. */
function runIsDue(run: number, turns: number, facts: CallFacts): boolean {
  return run >= turns && (facts.transfers === 0 || run % turns === 0);
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
