import assert from 'node:assert/strict';
import type { CallCommand, CallInput, OrderResult } from '../../../src/call/call-io.js';
import type { CallRecord } from '../../../src/call/call-record.js';
import type { PolicyDecision, PolicyQuestion } from '../../../src/call/decision.js';
import { createLogger } from '../../../src/common/log.js';
import type { FromPolicy, ToPolicy } from '../../../src/policy/thread-messages.js';
import { CallRuntime } from '../../../src/signalling/call-runtime.js';
import { PolicyLink } from '../../../src/signalling/policy-link.js';
import { plan, project, trunk } from '../../integration/signalling/support/plan.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const question = (questionId: string): PolicyQuestion => ({
  questionId,
  event: { kind: 'tick' },
  facts: {
    callId: 'c',
    project: 'acme',
    caller: '',
    called: '',
    trunk: 'carrier',
    headers: {},
    durationS: 0,
    answered: true,
    turns: [],
    noMatchRun: 0,
    noInputRun: 0,
    digits: '',
    transfers: 0,
  },
});
const NONE: PolicyDecision = { kind: 'none' };

describe('the call runtime', () => {
  let clock: VirtualClock;
  let policy: PolicyLink;
  let runtime: CallRuntime;
  let react: (input: CallInput) => readonly CallCommand[];
  let inputs: CallInput[];
  let records: CallRecord[];
  let results: [string, OrderResult][];
  let abandoned: string[];
  let mediaEnded: string[];
  let ended: string[];
  let onSignalling: (callId: string) => void;

  beforeEach(() => {
    clock = new VirtualClock();
    policy = new PolicyLink(clock);
    react = () => [];
    inputs = [];
    records = [];
    results = [];
    abandoned = [];
    mediaEnded = [];
    ended = [];
    onSignalling = () => undefined;
    runtime = new CallRuntime({
      signalling: {
        execute: (callId) => onSignalling(callId),
        abandon: (callId) => {
          abandoned.push(callId);
          return 0;
        },
      },
      media: { execute: () => undefined, callEnded: (callId) => mediaEnded.push(callId) },
      policy,
      clock,
      log: createLogger('test', 'silent'),
      makeCall: () => ({
        handle: (input) => {
          inputs.push(input);
          return react(input);
        },
      }),
      record: (record) => records.push(record),
      orderResult: (orderId, result) => results.push([orderId, result]),
      ended: (callId) => ended.push(callId),
    });
  });

  const start = (callId: string): void => {
    const seed = { plan: plan('sip:bot@h'), project: project('acme'), trunk: trunk('carrier') };
    runtime.start({ callId, ...seed });
  };
  const tick = (callId: string, name = 'go'): boolean => runtime.dispatch(callId, { port: 'timer', name });
  const bye: CallCommand = { port: 'signalling', command: { kind: 'bye', legId: 'c.1', headers: {} } };

  it('handles each input to its end: what a command causes waits its turn', () => {
    start('c');
    const order: string[] = [];
    onSignalling = () => {
      tick('c', 'caused');
      order.push('after dispatch');
    };
    react = (input) => {
      const name = input.port === 'timer' ? input.name : '';
      order.push(name);
      return name === 'go' ? [bye] : [];
    };
    tick('c');
    assert.deepEqual(order, ['go', 'after dispatch', 'caused']);
  });

  it('takes down a call whose machine throws, with a record, and keeps the others', () => {
    start('c');
    start('d');
    react = (input) => {
      if (input.port === 'timer' && input.name === 'bad') throw new Error('bug');
      return [{ port: 'timer', name: 'later', afterMs: 1000 }];
    };
    tick('c');
    tick('c', 'bad');
    assert.deepEqual([abandoned.includes('c'), mediaEnded, ended], [true, ['c'], ['c']]);
    assert.deepEqual(
      records.map(({ kind }) => kind),
      ['call.event', 'call.ended'],
    );
    assert.equal(clock.pendingTimers, 0);
    assert.equal(tick('c'), false);
    assert.equal(tick('d'), true);
    assert.equal(runtime.size, 1);
  });

  it('frees timers and open orders at the end, and carries out nothing after it', () => {
    start('c');
    react = (input) =>
      input.port === 'order' ? [{ port: 'timer', name: 't', afterMs: 1000 }, { port: 'end' }, bye] : [];
    let sent = 0;
    onSignalling = () => (sent += 1);
    runtime.order('o1', 'c', { kind: 'hangup', cause: 'x' });
    assert.equal(results[0]?.[1].accepted === false && results[0][1].code, 'call_ending');
    assert.deepEqual([sent, clock.pendingTimers, runtime.size], [0, 0, 0]);
  });

  it('refuses an order for an unknown call', () => {
    runtime.order('o1', 'nobody', { kind: 'hangup', cause: 'x' });
    assert.equal(results[0]?.[1].accepted === false && results[0][1].code, 'unknown_call');
  });

  it('restarts a named timer, and stops it with null', () => {
    start('c');
    const fired: string[] = [];
    react = (input) => {
      if (input.port !== 'timer') return [];
      fired.push(input.name);
      if (input.name === 'a') return [{ port: 'timer', name: 'x', afterMs: 100 }];
      return input.name === 'b' ? [{ port: 'timer', name: 'x', afterMs: null }] : [];
    };
    tick('c', 'a');
    clock.advance(60);
    tick('c', 'a');
    clock.advance(60);
    assert.deepEqual(fired, ['a', 'a']);
    clock.advance(60);
    assert.deepEqual(fired, ['a', 'a', 'x']);
    tick('c', 'a');
    tick('c', 'b');
    clock.advance(1000);
    assert.deepEqual(fired, ['a', 'a', 'x', 'a', 'b']);
  });

  it('leaves a call behind at shutdown with a record of its end, as no failure', () => {
    start('c');
    runtime.leaveBehind('c', 'shutdown');
    const end = records.at(-1);
    assert.ok(end?.kind === 'call.ended');
    assert.deepEqual([end.cause, end.endedBy, end.sipStatus], ['shutdown', 'relevo', 503]);
    assert.deepEqual([runtime.crashed, runtime.size, abandoned, ended], [0, 0, ['c', 'c'], ['c']]);
    assert.equal(
      records.some((record) => record.kind === 'call.event'),
      false,
    );
  });

  describe('asking the policy', () => {
    let asked: ToPolicy[];
    let answer: (message: FromPolicy) => void;
    const transfer: PolicyDecision = {
      kind: 'transfer',
      rule: 'zero',
      reason: 'user_request',
      to: null,
      mode: null,
      method: null,
      evidence: 'digit 0',
    };

    const attach = (): void => {
      asked = [];
      policy.attach({
        postMessage: (message) => asked.push(message),
        on: (_event, listener) => {
          answer = listener;
        },
        close: () => undefined,
      });
    };
    const ask = (): void => {
      start('c');
      react = (input) =>
        input.port === 'timer'
          ? [{ port: 'policy', question: question('q'), deadlineMs: 50, fallback: NONE }]
          : [];
      tick('c');
    };

    it('delivers the answer under the name that the call gave', () => {
      attach();
      ask();
      answer({ kind: 'decide', questionId: asked[0]!.question.questionId, decision: transfer });
      const decided = { port: 'policy', questionId: 'q', decision: transfer, late: false };
      assert.deepEqual(inputs.at(-1), decided);
      assert.equal(clock.pendingTimers, 0);
    });

    it('takes the fallback at the deadline, counts it, and passes an answer on that comes soon after', () => {
      attach();
      ask();
      clock.advance(50);
      const late = { port: 'policy', questionId: 'q', late: true };
      assert.deepEqual(inputs.at(-1), { ...late, decision: NONE });
      clock.advance(4_000);
      answer({ kind: 'decide', questionId: asked[0]!.question.questionId, decision: transfer });
      assert.deepEqual(inputs.at(-1), { ...late, decision: transfer });
      assert.deepEqual([policy.late, policy.answered], [1, 0]);
    });

    it('ignores an answer that comes more than 5 s after the deadline', () => {
      attach();
      ask();
      clock.advance(5_051);
      const before = inputs.length;
      answer({ kind: 'decide', questionId: asked[0]!.question.questionId, decision: transfer });
      assert.equal(inputs.length, before);
    });

    it('takes the fallback at once where no policy thread is there', () => {
      ask();
      clock.advance(0);
      assert.equal(inputs.at(-1)?.port, 'policy');
    });
  });
});
