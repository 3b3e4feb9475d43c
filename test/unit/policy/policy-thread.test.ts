import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import type { PolicyDecision, PolicyQuestion } from '../../../src/call/decision.js';
import { createLogger } from '../../../src/common/log.js';
import { startPolicyThread, type PolicyThread } from '../../../src/policy/policy-thread-host.js';
import type { FromPolicy, ToPolicy } from '../../../src/policy/thread-messages.js';
import { ask, rule } from './question.js';

const ZERO = { acme: [rule({ kind: 'dtmf', digits: '0' }, 'zero')] };
const pressed = (digit: string): PolicyQuestion => ask({ kind: 'dtmf', digit }, { digits: digit });

async function decide(port: MessagePort, question: PolicyQuestion): Promise<PolicyDecision> {
  const message: ToPolicy = { kind: 'ask', question };
  port.postMessage(message);
  const [answer] = (await once(port, 'message')) as [FromPolicy];
  assert.equal(answer.questionId, question.questionId);
  return answer.decision;
}

describe('policy thread', () => {
  let thread: PolicyThread | null = null;
  let restarted: () => void = () => undefined;
  const ports: MessagePort[] = [];

  const start = async (hangLimitMs?: number): Promise<PolicyThread> => {
    thread = await startPolicyThread({
      projects: ZERO,
      logLevel: 'silent',
      log: createLogger('test', 'silent'),
      onRestarted: () => restarted(),
      allowFaults: true,
      ...(hangLimitMs === undefined ? {} : { hangLimitMs }),
    });
    return thread;
  };
  const connect = (): MessagePort => {
    const port = thread!.connect();
    ports.push(port);
    return port;
  };
  const nextRestart = (): Promise<void> =>
    new Promise((resolve) => {
      restarted = resolve;
    });

  afterEach(async () => {
    for (const port of ports.splice(0)) port.close();
    await thread?.close();
    await thread?.close();
    thread = null;
  });

  it('answers each signalling thread on its own port, and counts', async () => {
    await start();
    const [one, other] = [connect(), connect()];
    const decision = await decide(one, pressed('0'));
    assert.equal(decision.kind === 'transfer' && decision.evidence, 'digit 0');
    assert.deepEqual(await decide(other, pressed('1')), { kind: 'none' });
    const stats = await thread!.stats();
    assert.deepEqual(stats, {
      responding: true,
      restarts: 0,
      counters: { asked: 2, transfers: 1, byRule: { 'acme/zero': 1 }, expressionErrors: 0, badMessages: 0 },
    });
  });

  it('takes new rules at once', async () => {
    await start();
    const port = connect();
    thread!.setProjects({ acme: [rule({ kind: 'dtmf', digits: '9' }, 'nine')] });
    assert.deepEqual(await decide(port, pressed('0')), { kind: 'none' });
    const decision = await decide(port, pressed('9'));
    assert.equal(decision.kind === 'transfer' && decision.rule, 'nine');
  });

  it('survives a message that is none', async () => {
    await start();
    const port = connect();
    port.postMessage({ kind: 'ask' });
    assert.equal((await decide(port, pressed('0'))).kind, 'transfer');
    assert.equal((await thread!.stats()).counters.badMessages, 1);
  });

  it('that crashes is replaced with the rules of the last reload; former ports close', async () => {
    await start();
    thread!.setProjects({ acme: [rule({ kind: 'dtmf', digits: '9' }, 'nine')] });
    const former = connect();
    assert.equal((await decide(former, pressed('9'))).kind, 'transfer');
    const restart = nextRestart();
    const closed = once(former, 'close');
    thread!.crash();
    await closed;
    connect().postMessage({ kind: 'ask', question: pressed('9') });
    await restart;
    const port = connect();
    assert.equal((await decide(port, pressed('9'))).kind, 'transfer');
    assert.equal((await decide(port, pressed('0'))).kind, 'none');
    assert.equal((await thread!.stats()).restarts, 1);
  });

  it('that blocks does not block the control thread: stats say so, and questions wait', async () => {
    await start();
    const port = connect();
    thread!.block(1200);
    const answer = decide(port, pressed('0'));
    assert.equal((await thread!.stats()).responding, false);
    assert.equal((await answer).kind, 'transfer');
    assert.equal((await thread!.stats()).responding, true);
  });

  it('that hangs is replaced', async () => {
    await start(300);
    const restart = nextRestart();
    thread!.block(60_000);
    await restart;
    assert.equal((await decide(connect(), pressed('0'))).kind, 'transfer');
  });
});
