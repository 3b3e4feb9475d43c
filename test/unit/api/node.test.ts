import assert from 'node:assert/strict';
import { buildApi, startApi } from '../../../src/api/api-server.js';
import { apiFixture, type ApiFixture } from './fake-node.js';

describe('control API: the node', () => {
  let api: ApiFixture;
  beforeEach(async () => {
    api = await apiFixture();
  });
  afterEach(() => api.close());

  const get = async (url: string): Promise<number> => (await api.app.inject(url)).statusCode;

  it('is healthy and ready; draining it is healthy and not ready; failing neither', async () => {
    assert.deepEqual([await get('/healthz'), await get('/readyz')], [200, 200]);
    api.node.state = { ...api.node.state, draining: true };
    assert.deepEqual([await get('/healthz'), await get('/readyz')], [200, 503]);
    api.node.state = { ...api.node.state, draining: false, status: 'failing' };
    assert.deepEqual([await get('/healthz'), await get('/readyz')], [503, 503]);
  });

  it('tells what a reload changed, and 422 with each problem where the file is wrong', async () => {
    api.node.reloadReport = { applied: false, problems: ['relevo.yaml:3: unknown key'] };
    const refused = await api.app.inject({ method: 'POST', url: '/v1/reload' });
    assert.equal(refused.statusCode, 422);
    assert.match(refused.body, /relevo\.yaml:3: unknown key/);
    const report = {
      applied: true,
      hash: 'h',
      changed: ['projects.acme'],
      needsRestart: [],
      warnings: [],
    } as const;
    api.node.reloadReport = report;
    assert.deepEqual((await api.app.inject({ method: 'POST', url: '/v1/reload' })).json(), report);
  });

  it('drains', async () => {
    assert.equal((await api.app.inject({ method: 'POST', url: '/v1/drain' })).statusCode, 202);
    assert.equal(api.node.drains, 1);
  });

  it('serves metrics as text', async () => {
    const response = await api.app.inject('/metrics');
    assert.match(response.headers['content-type'] as string, /^text\/plain/);
    assert.match(response.body, /relevo_calls/);
  });

  it('describes every route in OpenAPI, with the schemas that it validates by', async () => {
    const document = (await api.app.inject('/openapi.json')).json<{
      openapi: string;
      paths: Record<
        string,
        Record<string, { requestBody?: { content: Record<string, { schema: object }> } }>
      >;
    }>();
    assert.equal(document.openapi, '3.1.0');
    assert.deepEqual(Object.keys(document.paths).sort(), [
      '/healthz',
      '/metrics',
      '/readyz',
      '/v1/calls',
      '/v1/calls/{id}',
      '/v1/calls/{id}/events',
      '/v1/calls/{id}/ladder',
      '/v1/calls/{id}/listeners',
      '/v1/calls/{id}/listeners/{lid}',
      '/v1/calls/{id}/transfers',
      '/v1/calls/{id}/transfers/{tid}',
      '/v1/drain',
      '/v1/dry-run',
      '/v1/events',
      '/v1/reload',
      '/v1/trunks',
    ]);
    const body = document.paths['/v1/calls/{id}/transfers']?.post?.requestBody?.content['application/json'];
    assert.ok(body && 'to' in (body.schema as { properties: object }).properties);
  });

  it('answers what it does not have, malformed JSON and long bodies with problems', async () => {
    assert.equal((await api.app.inject('/v2')).json<{ code: string }>().code, 'unknown_route');
    const post = (payload: string, type = 'application/json') =>
      api.app.inject({
        method: 'POST',
        url: '/v1/calls/c1/events',
        payload,
        headers: { 'content-type': type },
      });
    for (const [response, status, code] of [
      [await post('{'), 400, 'bad_request'],
      [await post(`{"kind":"${'x'.repeat(70_000)}"}`), 413, 'body_too_large'],
      [await post('<a/>', 'text/xml'), 415, 'not_json'],
    ] as const) {
      assert.equal(response.statusCode, status);
      assert.match(response.headers['content-type'] as string, /^application\/problem\+json/);
      assert.equal(response.json<{ code: string }>().code, code);
    }
  });

  it('hides the cause of an internal failure and logs it', async () => {
    api.node.order = () => Promise.reject(new Error('secret path /etc/x'));
    const response = await api.app.inject({ method: 'DELETE', url: '/v1/calls/c1' });
    assert.equal(response.statusCode, 500);
    assert.doesNotMatch(response.body, /secret path/);
  });

  it('refuses to open itself to the network without tokens', async () => {
    await assert.rejects(buildApi({ ...api.options, address: '0.0.0.0' }), { code: 'api_open_to_network' });
  });

  it('says so where its port is taken', async () => {
    const first = await startApi(api.options);
    await assert.rejects(startApi({ ...api.options, port: first.port }), { code: 'api_not_bound' });
    await first.close();
    await first.close();
  });
});

describe('control API: access', () => {
  let api: ApiFixture;
  beforeEach(async () => {
    api = await apiFixture([
      { name: 'wall', token: 'v', role: 'viewer' },
      { name: 'desk', token: 'o', role: 'operator' },
      { name: 'root', token: 'a', role: 'admin' },
    ]);
  });
  afterEach(() => api.close());

  const ask = async (method: 'GET' | 'POST' | 'DELETE', url: string, token?: string): Promise<number> =>
    (
      await api.app.inject({
        method,
        url,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })
    ).statusCode;

  it('asks for a token, except for health', async () => {
    assert.equal(await ask('GET', '/v1/calls'), 401);
    assert.equal(await ask('GET', '/v1/calls', 'wrong'), 401);
    assert.equal(await ask('GET', '/metrics'), 401);
    assert.equal(await ask('GET', '/v1/events'), 401);
    assert.equal(await ask('GET', '/v1/calls', 'v'), 200);
    assert.equal(await ask('GET', '/healthz'), 200);
  });

  it('lets a viewer read, an operator steer calls, and an admin the node', async () => {
    assert.equal(await ask('DELETE', '/v1/calls/c1', 'v'), 403);
    assert.equal(await ask('DELETE', '/v1/calls/c1', 'o'), 202);
    assert.equal(await ask('POST', '/v1/drain', 'o'), 403);
    assert.equal(await ask('POST', '/v1/drain', 'a'), 202);
  });

  it('without tokens refuses pages of other origins and other host names', async () => {
    const open = await apiFixture();
    const drain = async (headers: Record<string, string>): Promise<number> =>
      (await open.app.inject({ method: 'POST', url: '/v1/drain', headers })).statusCode;
    assert.equal(await drain({ host: '127.0.0.1:8080', origin: 'https://evil.example' }), 403);
    assert.equal(await drain({ host: 'evil.example' }), 421);
    assert.equal(await drain({ host: '[::1]:8080' }), 202);
    assert.equal(await drain({ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' }), 202);
    await open.close();
  });
});
