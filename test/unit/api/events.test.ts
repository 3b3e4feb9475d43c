import assert from 'node:assert/strict';
import { startApi, type ApiServer } from '../../../src/api/api-server.js';
import { ended, started, transferEnded, transferStarted } from '../observe/call-records.js';
import { apiFixture, type ApiFixture } from './fake-node.js';

/** Reads a stream until `count` events have come. */
async function read(response: Response, count: number): Promise<string> {
  assert.ok(response.body);
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if ([...text.matchAll(/^data: /gm)].length >= count) break;
  }
  return text;
}

describe('control API: events', () => {
  let api: ApiFixture;
  let server: ApiServer;
  beforeEach(async () => {
    api = await apiFixture();
    server = await startApi(api.options);
  });
  afterEach(async () => {
    await server.close();
    await api.close();
  });

  const open = (query = '', headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${server.url}/v1/events${query}`, { headers });

  it('streams records as they happen', async () => {
    const response = await open();
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    api.record(started(), transferStarted(), transferEnded());
    const text = await read(response, 3);
    assert.match(text, /event: call\.started\ndata: \{/);
    assert.match(text, /event: transfer\.ended\ndata: .*"outcome":"completed"/);
  });

  it('keeps to one call and to the named kinds', async () => {
    const response = await open('?callId=c1&kind=call.started,call.ended');
    api.record(started('c2'), started('c1'), transferStarted('c1'), ended('c2'), ended('c1'));
    const text = await read(response, 2);
    assert.doesNotMatch(text, /"c2"|event: transfer/);
    assert.match(text, /call\.ended/);
  });

  it('keeps to one project', async () => {
    const response = await open('?project=acme');
    api.record({ ...started('c2'), project: 'other' } as ReturnType<typeof started>, started('c1'));
    assert.doesNotMatch(await read(response, 1), /c2/);
  });

  it('replays what a reader has missed after it was cut off', async () => {
    const response = await open();
    api.record(started('c1'));
    const id = /^id: (.*)$/m.exec(await read(response, 1))?.[1] ?? '';
    api.record(started('c2'), started('c3'));
    const again = await read(await open('', { 'last-event-id': id }), 2);
    assert.doesNotMatch(again, /"c1"/);
    assert.match(again, /"c2"[^]*"c3"/);
  });

  it('forgets a reader that has gone', async () => {
    const controller = new AbortController();
    await fetch(`${server.url}/v1/events`, { signal: controller.signal });
    assert.equal(api.events.clients, 1);
    controller.abort();
    const connected = (): boolean => api.events.clients > 0;
    while (connected()) await new Promise((resolve) => setImmediate(resolve));
  });

  it('ends open streams when it closes', async () => {
    const response = await open();
    const reading = response.text();
    await server.close();
    await assert.rejects(reading);
  });
});
