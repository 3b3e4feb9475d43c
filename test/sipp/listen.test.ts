import assert from 'node:assert/strict';
import type { ListenerView } from '../../src/observe/listener-view.js';
import { freeMediaPort, freePort } from '../support/free-ports.js';
import { NUMBERS, startNodeUnderTest, type NodeUnderTest } from '../support/node-under-test.js';
import { sippAvailable, startSipp, succeeded } from '../support/sipp.js';

describe('SIPp: an operator who listens', function () {
  this.timeout(90_000);
  let node: NodeUnderTest;

  before(async function () {
    if (!sippAvailable()) {
      process.stdout.write('  SIPp is not installed: this test is skipped (apt-get install sip-tester)\n');
      this.skip();
    }
    node = await startNodeUnderTest({ patient: true });
  });
  after(() => node.close());

  it('is told which call it is, may hold and resume, may not hand it on, and gets BYE with the reason', async () => {
    const mediaPort = async (): Promise<string[]> => ['-mp', String(await freeMediaPort())];
    const bot = await startSipp({ scenario: 'bot-answers', port: node.botPort, args: await mediaPort() });
    const operator = await startSipp({
      scenario: 'operator-listens-until-bye',
      port: node.secondAgentPort,
      args: await mediaPort(),
    });
    const caller = await startSipp({
      scenario: 'caller-waits-for-bye',
      port: await freePort(),
      target: node.target,
      service: NUMBERS.basic,
      args: await mediaPort(),
    });
    const { callId } = await node.newestCall((call) => call.state === 'with_bot');
    const response = await node.api(`/v1/calls/${callId}/listeners`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ to: 'colleague' }),
    });
    assert.equal(response.status, 202, await response.clone().text());
    const path = response.headers.get('location')!;
    // The ACK of the resume: the operator has been through everything.
    for (let resumed = false; !resumed; await new Promise((resolve) => setTimeout(resolve, 25))) {
      const ladder = await (await node.api(`/v1/calls/${callId}/ladder`)).json();
      const { messages } = ladder as { messages: { party: string; cseq: string }[] };
      resumed = messages.some(({ party, cseq }) => party === 'operator' && cseq === '3 ACK');
    }
    const call = await node.newestCall(({ legs }) => legs.length === 3);
    const heldNow = call.legs.filter(({ onHold }) => onHold);
    assert.deepEqual([call.state, heldNow], ['with_bot', []]);
    assert.equal((await node.api(path, { method: 'DELETE' })).status, 202);
    await succeeded(operator, 'operator');
    const view = (await (await node.api(path)).json()) as ListenerView;
    assert.deepEqual([view.state, view.reason], ['ended', 'stopped']);
    assert.equal((await node.api(`/v1/calls/${callId}`, { method: 'DELETE' })).status, 202);
    await succeeded(caller, 'caller');
    await succeeded(bot, 'bot');
  });
});
