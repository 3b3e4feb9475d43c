import assert from 'node:assert/strict';
import type { PolicyQuestion, Rule, RuleCondition } from '../../../src/call/decision.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import { compileRules } from '../../../src/policy/rules/rule-set.js';
import { ask, rule, turn } from './question.js';

const quiet = { onExpressionError: (): void => undefined };

/** The evidence of the one rule, or null where it does not hold. */
function evidence(condition: RuleCondition, question: PolicyQuestion): string | null {
  const decision = compileRules({ acme: [rule(condition)] }, quiet).decide(question);
  return decision.kind === 'transfer' ? decision.evidence : null;
}
const when = (expression: string, question: PolicyQuestion): boolean =>
  evidence({ kind: 'when', expression }, question) !== null;

describe('policy rules', () => {
  it('the first that holds wins, with its own reason, destination, mode and method', () => {
    const first: Rule = {
      name: 'gold',
      reason: 'business_rule',
      to: 'manager',
      mode: 'attended',
      method: 'refer',
      condition: { kind: 'when', expression: "call.headers['x-tier'] == 'gold'" },
    };
    const rules = compileRules({ acme: [first, rule({ kind: 'intent', intents: ['agent'] }, 'any')] }, quiet);
    assert.deepEqual(rules.decide(ask(turn('agent', 0.9), { headers: { 'X-Tier': 'gold' } })), {
      kind: 'transfer',
      rule: 'gold',
      reason: 'business_rule',
      to: 'manager',
      mode: 'attended',
      method: 'refer',
      evidence: "true: call.headers['x-tier'] == 'gold'",
    });
    const other = rules.decide(ask(turn('agent', 0.9)));
    assert.equal(other.kind === 'transfer' && other.rule, 'any');
  });

  it('of another project, or of none, decide nothing', () => {
    const rules = compileRules({ other: [rule({ kind: 'dtmf', digits: '0' })] }, quiet);
    assert.deepEqual(rules.decide(ask({ kind: 'dtmf', digit: '0' }, { digits: '0' })), { kind: 'none' });
  });

  it('intent: holds at a turn of that intent, whatever its case', () => {
    const condition = { kind: 'intent', intents: ['agent', 'Human'] } as const;
    assert.equal(evidence(condition, ask(turn('human', 0.8))), 'intent human with confidence 0.8');
    assert.equal(evidence(condition, ask(turn('weather', 0.8))), null);
    assert.equal(
      evidence(condition, ask({ kind: 'tick' }, { turns: [{ intent: 'agent', confidence: 1 }] })),
      null,
    );
  });

  it('low_confidence: holds when the last turns in a row were all below, and names them', () => {
    const condition = { kind: 'low_confidence', below: 0.4, turns: 3 } as const;
    const turns = (...values: (number | null)[]) =>
      values.map((confidence) => ({ intent: null, confidence }));
    assert.equal(
      evidence(condition, ask(turn(null, 0.1), { turns: turns(0.9, 0.8, 0.31, 0.22, 0.1) })),
      'turns 3, 4, 5 had confidence 0.31, 0.22, 0.1, below 0.4',
    );
    assert.equal(evidence(condition, ask(turn(null, 0.1), { turns: turns(0.3, 0.4, 0.1, 0.1) })), null);
    assert.equal(evidence(condition, ask(turn(null, 0.1), { turns: turns(0.3, null, 0.1, 0.1) })), null);
    assert.equal(evidence(condition, ask({ kind: 'tick' }, { turns: turns(0.1, 0.1, 0.1) })), null);
    const many = Array.from({ length: 32 }, () => 0.2);
    assert.equal(
      evidence(condition, ask(turn(null, 0.2), { turns: turns(...many) })),
      'the last 3 turns had confidence 0.2, 0.2, 0.2, below 0.4',
    );
  });

  it('low_confidence: a caller who came back to the bot is not sent away at every turn', () => {
    const condition = { kind: 'low_confidence', below: 0.4, turns: 3 } as const;
    const low = (count: number) =>
      ask(turn(null, 0.1), {
        transfers: 1,
        turns: Array.from({ length: count }, () => ({ intent: null, confidence: 0.1 })),
      });
    assert.deepEqual(
      [3, 4, 5, 6].map((count) => evidence(condition, low(count)) !== null),
      [true, false, false, true],
    );
  });

  it('no_match and no_input: hold at their run, on their own event', () => {
    const noMatch = { kind: 'no_match', turns: 2 } as const;
    assert.equal(
      evidence(noMatch, ask({ kind: 'no_match' }, { noMatchRun: 2 })),
      'not understood 2 times in a row',
    );
    assert.equal(evidence(noMatch, ask({ kind: 'no_match' }, { noMatchRun: 1 })), null);
    assert.equal(evidence(noMatch, ask({ kind: 'no_input' }, { noMatchRun: 2 })), null);
    const noInput = { kind: 'no_input', turns: 1 } as const;
    assert.equal(
      evidence(noInput, ask({ kind: 'no_input' }, { noInputRun: 1 })),
      'nothing heard once in a row',
    );
  });

  it('dtmf: one digit, or several as the end of what was pressed', () => {
    const zero = { kind: 'dtmf', digits: '0' } as const;
    assert.equal(evidence(zero, ask({ kind: 'dtmf', digit: '0' }, { digits: '120' })), 'digit 0');
    assert.equal(evidence(zero, ask({ kind: 'dtmf', digit: '1' }, { digits: '01' })), null);
    assert.equal(evidence(zero, ask({ kind: 'tick' }, { digits: '0' })), null);
    const star = { kind: 'dtmf', digits: '*99' } as const;
    assert.equal(evidence(star, ask({ kind: 'dtmf', digit: '9' }, { digits: '1*99' })), 'digits *99');
    assert.equal(evidence(star, ask({ kind: 'dtmf', digit: '9' }, { digits: '*9' })), null);
  });

  it('duration: holds once the call is longer, and not again after a transfer', () => {
    const condition = { kind: 'duration', overS: 600 } as const;
    assert.equal(
      evidence(condition, ask({ kind: 'tick' }, { durationS: 601.7 })),
      'the call has lasted 601 s, over 600 s',
    );
    assert.equal(evidence(condition, ask({ kind: 'tick' }, { durationS: 600 })), null);
    assert.equal(evidence(condition, ask({ kind: 'tick' }, { durationS: 900, transfers: 1 })), null);
  });

  it('bot_unreachable: holds with the status of the bot, or without one', () => {
    const condition = { kind: 'bot_unreachable' } as const;
    assert.equal(evidence(condition, ask({ kind: 'bot_unreachable', status: 503 })), 'the bot answered 503');
    assert.equal(
      evidence(condition, ask({ kind: 'bot_unreachable', status: null })),
      'the bot could not be reached',
    );
  });
});

describe('policy expressions', () => {
  it('see the call, the turn and the event', () => {
    const question = ask(turn('agent', 0.6), {
      durationS: 700.5,
      headers: { 'X-Tier': 'gold' },
      transfers: 2,
      digits: '12',
    });
    assert.ok(when("call.durationS > 600 && call.headers['X-Tier'] == 'gold'", question));
    assert.ok(when("call.headers['x-TIER'] == 'gold' && call.headers['X-None'] == ''", question));
    assert.ok(
      when("call.caller.startsWith('+549') && call.called == '1000' && call.trunk == 'carrier'", question),
    );
    assert.ok(when("call.transfers == 2 && call.digits == '12' && call.answered", question));
    assert.ok(when("turn.intent == 'agent' && turn.confidence > 0.5 && event.kind == 'turn'", question));
    const custom = ask({ kind: 'custom', name: 'sentiment', data: { score: -3, angry: true, word: 'no' } });
    assert.ok(when("event.name == 'sentiment' && event.data.score < -2 && event.data.angry", custom));
    assert.ok(when("event.digit == '5'", ask({ kind: 'dtmf', digit: '5' })));
  });

  it('are false with an unknown confidence, whichever way they compare', () => {
    assert.ok(!when('turn.confidence < 0.5', ask(turn('x', null))));
    assert.ok(!when('turn.confidence >= 0.5', ask(turn('x', null))));
  });

  it('that fail count as false, are told once per rule, and the next rule has its turn', () => {
    const told: string[] = [];
    const rules = compileRules(
      {
        acme: [
          rule({ kind: 'when', expression: 'event.data.score > 5' }, 'score'),
          rule({ kind: 'dtmf', digits: '0' }, 'zero'),
        ],
      },
      { onExpressionError: (project, name, message) => told.push(`${project}/${name}: ${message}`) },
    );
    for (let count = 0; count < 3; count += 1) {
      const decision = rules.decide(ask({ kind: 'dtmf', digit: '0' }, { digits: '0' }));
      assert.equal(decision.kind === 'transfer' && decision.rule, 'zero');
    }
    assert.deepEqual(told, ['acme/score: No such key: score']);
    assert.equal(rules.expressionErrors, 3);
  });

  it('are not asked by the clock again once a transfer was tried', () => {
    assert.ok(when('call.durationS > 5', ask({ kind: 'tick' })));
    assert.ok(!when('call.durationS > 5', ask({ kind: 'tick' }, { transfers: 1 })));
    assert.ok(when('call.durationS > 5', ask(turn('x', 1), { transfers: 1 })));
  });

  it('are checked with their types and bounds', () => {
    assert.equal(checkExpression('call.durationS > 600'), null);
    assert.deepEqual(checkExpression('call.durations > 600'), {
      message: 'No such key: durations',
      offset: 5,
    });
    assert.match(checkExpression('call.caller > 5')!.message, /no such overload/);
    assert.match(checkExpression("call.answered && 'X' in call.headers")!.message, /an absent header reads/);
    assert.match(checkExpression('nothing == 5')!.message, /Unknown variable/);
    assert.match(checkExpression('call.durationS')!.message, /not true or false/);
    assert.match(checkExpression(`call.caller == '${'x'.repeat(1000)}'`)!.message, /longer than 1000/);
    assert.match(checkExpression(Array(110).fill('true').join('||'))!.message, /exceeded/i);
  });
});
