import assert from 'node:assert/strict';
import type { RelevoConfig } from '../../../src/config/relevo-config.js';
import { runDemo, type DemoReport } from '../../../src/demo/run-demo.js';
import { SCENARIOS } from '../../../src/demo/scenario/scenario.js';

describe('the demonstration', () => {
  it('runs on a configuration that the schema accepts, with a project for each scenario', async () => {
    const seen: RelevoConfig[] = [];
    const startNode = (config: RelevoConfig) => {
      seen.push(config);
      return Promise.reject(new Error('no node today'));
    };
    await assert.rejects(runDemo({ json: true, out: () => undefined, startNode }), /no node today/);
    assert.deepEqual(Object.keys(seen[0]!.plan.projects).sort(), SCENARIOS.map(({ name }) => name).sort());
  });

  it('prints one JSON object and exits 1 where nothing works', async () => {
    let printed = '';
    let closed = 0;
    const code = await runDemo({
      json: true,
      only: ['blind-refer', 'all-busy'],
      out: (text) => (printed += text),
      startNode: () =>
        Promise.resolve({
          sipListeners: [{ transport: 'tcp', port: 9 }],
          apiAddress: { url: 'http://127.0.0.1:9' },
          close: () => {
            closed++;
            return Promise.resolve();
          },
        }),
    });
    assert.equal(code, 1);
    assert.equal(closed, 1);
    const report = JSON.parse(printed) as DemoReport;
    assert.deepEqual([report.ok, report.passed, report.failed], [false, 0, 2]);
    assert.match(report.scenarios[0]!.problems[0]!, /the call was not answered: 503/);
  });
});
