import assert from 'node:assert/strict';
import { builtInConfig } from '../../../src/config/demo-config.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { Caller } from '../../../src/demo/caller.js';
import { startDemoPeers } from '../../../src/demo/demo-peers.js';
import { runDemo, type DemoReport } from '../../../src/demo/run-demo.js';
import { SCENARIOS } from '../../../src/demo/scenario/scenario.js';
import { startNode } from '../../../src/main.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';

describe('the demonstration with a whole node', () => {
  const open: { close(): Promise<void> }[] = [];

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  it('verifies every way of handing a call over, audio included', async function () {
    this.timeout(90_000);
    let printed = '';
    const code = await runDemo({
      json: true,
      out: (text) => (printed += text),
      startNode: (config) => startNode(config),
    });
    const report = JSON.parse(printed) as DemoReport;
    assert.deepEqual(
      report.scenarios.map(({ scenario, problems }) => [scenario, problems]),
      SCENARIOS.map(({ name }) => [name, []]),
    );
    assert.equal(code, 0);
    assert.ok(
      report.ok && report.scenarios.every(({ audioBefore, audioAfter }) => audioBefore && audioAfter),
    );
  });

  it('the built-in node hands a softphone on UDP to the agent when it presses 0', async () => {
    const peers = await startDemoPeers({ person: 'demo-agent', agentRingMs: 100 });
    open.push(peers);
    const text = builtInConfig({
      sipPort: 0,
      apiPort: 0,
      botUri: peers.botUri,
      agentUri: peers.agentUris[0],
      mediaPorts: '33000-33199',
      logLevel: 'silent',
    });
    const loaded = loadConfig({ text, path: 'built-in' }, { env: {}, checkExpression });
    assert.ok(loaded.ok);
    const node = await startNode(loaded.config);
    open.push(node);
    const udp = node.sipListeners.find(({ transport }) => transport === 'udp')!;
    const caller = await Caller.start({
      toneHz: 570,
      preferred: 'udp',
      refer: { kind: 'reject', status: 405 },
    });
    open.push(caller);
    const call = await caller.call(`sip:1000@127.0.0.1:${udp.port};transport=udp`);
    await call.hearing.hears(780, { withinMs: 5000 });
    const arriving = peers.agents[0].userAgent.nextCall(5000);
    await call.press('0');
    const atAgent = await arriving;
    await call.hearing.hears(880, { withinMs: 8000 });
    await atAgent.hearing.hears(570, { withinMs: 5000 });
    assert.equal(atAgent.header('X-Reason'), 'user_request');
    await atAgent.hangUp();
    assert.equal((await call.ended).by, 'remote');
  });
});
