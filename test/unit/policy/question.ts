import type { CallFacts, PolicyEvent, PolicyQuestion } from '../../../src/call/decision.js';
import type { Rule, RuleCondition } from '../../../src/call/decision.js';

export function ask(event: PolicyEvent, facts: Partial<CallFacts> = {}): PolicyQuestion {
  return {
    questionId: 'q1',
    event,
    facts: {
      callId: 'c1',
      project: 'acme',
      caller: '+5491100000000',
      called: '1000',
      trunk: 'carrier',
      headers: {},
      durationS: 10,
      answered: true,
      turns: [],
      noMatchRun: 0,
      noInputRun: 0,
      digits: '',
      transfers: 0,
      ...facts,
    },
  };
}

export function turn(intent: string | null, confidence: number | null): PolicyEvent {
  return { kind: 'turn', intent, confidence, text: null };
}

export function rule(condition: RuleCondition, name: string = condition.kind): Rule {
  return { name, reason: 'user_request', to: null, mode: null, method: null, condition };
}
