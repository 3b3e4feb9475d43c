import assert from 'node:assert/strict';
import { createLogger } from '../../../src/common/log.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { RunningNode } from '../../../src/main/running-node.js';
import { TapGovernor } from '../../../src/main/tap-governor.js';
import { checkExpression } from '../../../src/policy/rules/expression.js';
import {
  startSignallingThread,
  type SignallingHost,
} from '../../../src/signalling/signalling-thread-host.js';

const TEXT = `
listen: [{ transport: udp, address: 127.0.0.1, port: 0 }]
media: { ports: 18400-18409, workers: 1 }
api: { address: 127.0.0.1, port: 0 }
log: { level: silent }
trunks: { peer: { allow: [127.0.0.0/8] } }
bots: { bot: { kind: sip, uri: "sip:bot@127.0.0.1:18299" } }
projects: { one: { match: [{ trunk: peer, to: "1" }], bot: bot } }
`;

describe('supervision', () => {
  it('ends the node with the failure where signalling dies, so that a supervisor starts it again', async () => {
    const loaded = loadConfig({ text: TEXT, path: 'test.yaml' }, { env: {}, checkExpression });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    let signalling: SignallingHost | null = null;
    const node = new RunningNode(loaded.config, {
      reload: null,
      drainMs: 1000,
      version: '0',
      log: createLogger('test', 'silent'),
      startSignalling: async (options) => (signalling = await startSignallingThread(options)),
    });
    await node.start();
    assert.equal(node.health().status, 'ok');
    await assert.rejects(node.reload(), { code: 'no_config_file' });
    (signalling as SignallingHost | null)?.emit('died', new Error('out of memory'));
    assert.equal(node.health().status, 'failing');
    const { failure } = await node.ended;
    assert.equal(failure?.code, 'signalling_died');
    assert.match(failure.message, /out of memory/);
  });

  it('stops tracing above the bound and goes on well below it', () => {
    const tap = new TapGovernor({ offAbove: 100, onBelow: 50 });
    assert.equal(tap.reading(0, 0), null);
    assert.equal(tap.reading(90, 1000), null);
    assert.equal(tap.reading(300, 2000), false);
    assert.equal(tap.reading(380, 3000), null, 'between the bounds it stays as it is');
    assert.equal(tap.reading(400, 4000), true);
    assert.equal(tap.on, true);
  });
});
