import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createLogger } from '../../../src/common/log.js';
import { startEngine } from '../../../src/engine/engine.js';
import {
  startSignallingThread,
  type SignallingHost,
} from '../../../src/signalling/signalling-thread-host.js';
import { Fixture, SECRET } from '../../conformance/drachtio/support/fixture.js';
import { plan, trunk } from './support/plan.js';

describe('the signalling thread', () => {
  let engine: Fixture;
  let host: SignallingHost;

  beforeEach(async () => {
    engine = await Fixture.start();
    host = await startSignallingThread({
      logLevel: 'silent',
      control: { host: '127.0.0.1', port: engine.engine.controlPort, secret: SECRET },
      plan: plan('sip:bot@127.0.0.1:9'),
      mediaAddress: '127.0.0.1',
    });
    await host.connected(5000);
  });
  afterEach(async () => {
    await host.close();
    await engine.close();
  });

  it('tells its figures, refuses an order for an unknown call, and takes a new plan', async () => {
    const stats = await host.stats();
    assert.deepEqual([stats.calls, stats.callsTotal, stats.policyLate], [0, 0, 0]);
    assert.ok(stats.cpuMs > 0);
    const result = await host.order('nobody', { kind: 'hangup', cause: 'x' });
    assert.equal(!result.accepted && result.code, 'unknown_call');

    host.setPlan(plan('sip:bot@h', { trunks: { carrier: trunk('carrier', { allow: [] }) } }));
    const caller = await engine.ua();
    const refusedNow = await (async () => {
      await host.stats();
      caller.send(caller.invite());
      await caller.nextResponse(403, 'INVITE');
      return (await host.stats()).refused;
    })();
    assert.deepEqual(refusedNow, { source_not_allowed: 1 });
  });

  it('reports a lost server, and connects again by itself when it is back', async () => {
    const port = engine.engine.controlPort;
    const lost = once(host, 'controlServer');
    await engine.engine.close();
    assert.equal(((await lost) as [{ connected: boolean }])[0].connected, false);
    const again = await startEngine(
      {
        listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
        control: { address: '127.0.0.1', port, secret: SECRET },
        tap: false,
      },
      { log: createLogger('engine', 'silent') },
    );
    await host.connected(8000);
    await host.close();
    await again.close();
  });

  it('closes once, however often it is asked, and answers nothing afterwards', async () => {
    await Promise.all([host.close(), host.close()]);
    await host.close();
    await assert.rejects(host.stats(), { code: 'signalling_unavailable' });
    assert.equal(host.controlServer.connected, false);
  });
});

describe('a signalling thread that cannot reach its server', () => {
  it('starts, says why, and can be closed', async () => {
    const host = await startSignallingThread({
      logLevel: 'silent',
      control: { host: '127.0.0.1', port: 1, secret: SECRET },
      plan: plan('sip:bot@h'),
      mediaAddress: '127.0.0.1',
    });
    await assert.rejects(host.connected(300), { code: 'control_server_unreachable' });
    assert.match(host.controlServer.detail, /ECONNREFUSED/);
    await host.close();
  });
});
