import assert from 'node:assert/strict';
import type { DryRunReport } from '../../../src/api/dry-run-schema.js';
import { apiFixture, type ApiFixture } from './fake-node.js';

describe('control API: dry run and trunks', () => {
  let api: ApiFixture;
  beforeEach(async () => {
    api = await apiFixture();
  });
  afterEach(() => api.close());

  const ask = (payload: object) => api.app.inject({ method: 'POST', url: '/v1/dry-run', payload });

  it('tells what a described call would become', async () => {
    const answer = await ask({ trunk: 'carrier', called: '+5491155550000', events: [{ kind: 'transfer' }] });
    assert.equal(answer.statusCode, 200);
    const report = answer.json<DryRunReport>();
    assert.equal(report.transfer?.targets[0]?.destination, 'desk');
    assert.equal(api.node.rehearsed[0]?.caller, 'anonymous');
    assert.deepEqual(api.node.orders, []);
  });

  it('names the wrong key of a description', async () => {
    for (const [body, key] of [
      [{ called: '1' }, 'trunk'],
      [{ trunk: 'a', source: '1.2.3.4', called: '1' }, 'trunk'],
      [{ trunk: 'a', called: '1', at: 'tomorrow' }, 'at'],
      [{ trunk: 'a', called: '1', headers: { X: 'a\r\nEvil: 1' } }, 'headers.X'],
      [{ trunk: 'a', called: '1', events: [{ kind: 'dtmf', digit: 'x' }] }, 'events.0.digit'],
      [{ trunk: 'a', called: '1', events: [{ kind: 'duration', seconds: 1e9 }] }, 'events.0.seconds'],
    ] as const) {
      const answer = await ask(body);
      assert.equal(answer.statusCode, 400, JSON.stringify(body));
      assert.equal(answer.json<{ errors: { key: string }[] }>().errors[0]?.key, key);
    }
  });

  it('lists the trunks', async () => {
    const answer = await api.app.inject('/v1/trunks');
    assert.deepEqual(answer.json(), { trunks: [] });
  });
});
