import assert from 'node:assert/strict';
import type { CallView } from '../../../src/observe/call-view.js';
import { ended, started, withBot } from '../observe/call-records.js';
import { apiFixture, type ApiFixture } from './fake-node.js';

const INVITE =
  'INVITE sip:1@h SIP/2.0\r\nCall-ID: sip-c1\r\nCSeq: 1 INVITE\r\nProxy-Authorization: Digest response="x"\r\n\r\n';

describe('control API: calls', () => {
  let api: ApiFixture;
  beforeEach(async () => {
    api = await apiFixture();
  });
  afterEach(() => api.close());

  it('lists live calls before ended ones, newest first, filtered and limited', async () => {
    api.record(started('c1'), started('c2'), started('c3'), withBot('c3'), ended('c1'));
    const ids = async (query: string): Promise<string[]> => {
      const { calls } = (await api.app.inject(`/v1/calls${query}`)).json<{ calls: CallView[] }>();
      return calls.map(({ callId }) => callId);
    };
    assert.deepEqual(await ids(''), ['c3', 'c2', 'c1']);
    assert.deepEqual(await ids('?live=true'), ['c3', 'c2']);
    assert.deepEqual(await ids('?state=with_bot'), ['c3']);
    assert.deepEqual(await ids('?limit=1'), ['c3']);
    assert.deepEqual(await ids('?project=other'), []);
  });

  it('refuses an unknown filter, naming the key', async () => {
    const response = await api.app.inject('/v1/calls?stat=with_bot');
    assert.equal(response.statusCode, 400);
    assert.match(response.headers['content-type'] as string, /^application\/problem\+json/);
    const problem = response.json<{ code: string; detail: string; remedy: string }>();
    assert.equal(problem.code, 'bad_value');
    assert.match(problem.detail, /stat/);
    assert.ok(problem.remedy.length > 0);
  });

  it('shows a call with its legs, and 404 with a problem for one that it does not know', async () => {
    api.record(started(), withBot());
    const call = (await api.app.inject('/v1/calls/c1')).json<CallView>();
    assert.equal(call.state, 'with_bot');
    assert.equal(call.legs.length, 2);
    const missing = await api.app.inject('/v1/calls/nope');
    assert.equal(missing.statusCode, 404);
    assert.equal(missing.json<{ code: string }>().code, 'unknown_call');
  });

  it('hangs up a live call, and refuses to hang up an ended one', async () => {
    api.record(started());
    assert.equal((await api.app.inject({ method: 'DELETE', url: '/v1/calls/c1' })).statusCode, 202);
    assert.equal(api.node.orders[0]?.order.kind, 'hangup');
    api.record(ended());
    assert.equal((await api.app.inject({ method: 'DELETE', url: '/v1/calls/c1' })).statusCode, 409);
    assert.equal(api.node.orders.length, 1);
  });

  it('answers 404 where signalling does not know the call', async () => {
    api.node.answer = () => ({ accepted: false, code: 'unknown_call', detail: 'no such call' });
    const response = await api.app.inject({ method: 'DELETE', url: '/v1/calls/ghost' });
    assert.equal(response.statusCode, 404);
  });

  it('passes on what the bot noticed, and refuses a confidence outside 0 to 1', async () => {
    api.record(started(), withBot());
    const post = (payload: object) => api.app.inject({ method: 'POST', url: '/v1/calls/c1/events', payload });
    assert.equal((await post({ kind: 'turn', intent: 'agent', confidence: 0.9 })).statusCode, 202);
    assert.deepEqual(api.node.orders[0]?.order, {
      kind: 'botEvent',
      event: { kind: 'turn', intent: 'agent', confidence: 0.9, text: null },
    });
    assert.equal((await post({ kind: 'turn', confidence: 9 })).statusCode, 400);
    assert.equal((await post({ kind: 'tick' })).statusCode, 400);
    assert.equal(api.node.orders.length, 1);
  });

  it('shows the ladder as JSON, or as a diagram, without credentials', async () => {
    api.record(started(), withBot());
    api.ladders.add({ at: 1, direction: 'in', transport: 'udp', local: 'l:1', remote: 'r:1', raw: INVITE });
    const json = await api.app.inject('/v1/calls/c1/ladder');
    assert.match(json.body, /"startLine":"INVITE sip:1@h SIP\/2\.0"/);
    assert.match(json.body, /\[redacted\]/);
    assert.doesNotMatch(json.body, /response=/);
    const text = await api.app.inject({ url: '/v1/calls/c1/ladder', headers: { accept: 'text/plain' } });
    assert.match(text.body, /\|-+ INVITE -+>\|/);
    assert.equal((await api.app.inject('/v1/calls/x/ladder')).statusCode, 404);
  });
});
