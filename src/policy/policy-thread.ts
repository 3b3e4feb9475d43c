import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { ProjectRules } from '../call/decision.js';
import { messageOf } from '../common/errors.js';
import { createLogger } from '../common/log.js';
import type {
  ControlToPolicy,
  PolicyCounters,
  PolicyThreadData,
  PolicyToControl,
} from './control-messages.js';
import { compileRules, type RuleSet } from './rules/rule-set.js';
import type { FromPolicy, ToPolicy } from './thread-messages.js';

/** Entry of the policy thread: it answers each question by the rules it holds, and keeps no state of a call. */

const data = workerData as PolicyThreadData;
const log = createLogger('policy', data.logLevel);
const control = parentPort;
if (!control) throw new Error('policy-thread.js is a worker, not a program');

let asked = 0;
let transfers = 0;
let badMessages = 0;
let earlierErrors = 0;
const byRule = new Map<string, number>();

const compile = (projects: ProjectRules): RuleSet =>
  compileRules(projects, {
    onExpressionError: (project, rule, message) =>
      log.warn({ project, rule, cause: message }, 'rule_failed: the expression counts as false'),
  });
let rules = compile(data.projects);

const counters = (): PolicyCounters => ({
  asked,
  transfers,
  byRule: Object.fromEntries(byRule),
  expressionErrors: earlierErrors + rules.expressionErrors,
  badMessages,
});

const serve = (port: MessagePort): void => {
  port.on('message', (message: ToPolicy) => {
    try {
      const { question } = message;
      const decision = rules.decide(question);
      asked += 1;
      if (decision.kind === 'transfer') {
        transfers += 1;
        const key = `${question.facts.project}/${decision.rule}`;
        byRule.set(key, (byRule.get(key) ?? 0) + 1);
      }
      const answer: FromPolicy = { kind: 'decide', questionId: question.questionId, decision };
      port.postMessage(answer);
    } catch (thrown) {
      badMessages += 1;
      if (badMessages === 1) log.error({ cause: messageOf(thrown) }, 'policy_bad_message');
    }
  });
};

const tell = (message: PolicyToControl): void => {
  control.postMessage(message);
};

control.on('message', (message: ControlToPolicy) => {
  switch (message.kind) {
    case 'signalling':
      serve(message.port);
      return;
    case 'plan':
      earlierErrors += rules.expressionErrors;
      rules = compile(message.projects);
      return;
    case 'getStats':
      tell({ kind: 'stats', requestId: message.requestId, counters: counters() });
      return;
    case 'block':
      if (data.allowFaults) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.ms);
      return;
    case 'crash':
      if (data.allowFaults) throw new Error('crash on request');
      return;
  }
});
tell({ kind: 'ready' });
