import assert from 'node:assert/strict';
import type { CallRecord } from '../../../src/call/call-record.js';
import { RelevoError } from '../../../src/common/errors.js';
import type { CallView } from '../../../src/observe/call-view.js';
import { cdrOf } from '../../../src/observe/cdr-writer.js';
import type { ListenerView } from '../../../src/observe/listener-view.js';
import { AT, ended, started, withBot } from '../observe/call-records.js';
import { apiFixture, type ApiFixture } from './fake-node.js';

const TOKENS = [
  { name: 'supervisors', token: 'operator-token', role: 'operator' },
  { name: 'screens', token: 'viewer-token', role: 'viewer' },
] as const;

function told(
  name: string,
  more: Readonly<Record<string, string | number | null>> = {},
  at = AT,
): CallRecord {
  const detail = { listener: 'l1', to: 'boss', by: 'ana', destination: 'boss', leg: 'c1.3', ...more };
  return { kind: 'call.event', callId: 'c1', at, name: `listener_${name}`, detail };
}

describe('control API: listeners', () => {
  let api: ApiFixture;
  beforeEach(async () => {
    api = await apiFixture();
    api.record(started(), withBot());
  });
  afterEach(() => api.close());

  const post = (payload: object, headers: Record<string, string> = {}) =>
    api.app.inject({ method: 'POST', url: '/v1/calls/c1/listeners', payload, headers });
  const show = async (lid = 'l1'): Promise<ListenerView> =>
    (await api.app.inject(`/v1/calls/c1/listeners/${lid}`)).json<ListenerView>();
  const codeOf = (response: { json(): unknown }): string => (response.json() as { code: string }).code;

  it('answers 202 with the place where the listener can be read, at once', async () => {
    const response = await post({ to: 'boss' });
    assert.equal(response.statusCode, 202);
    const view = (await api.app.inject(response.headers.location as string)).json<ListenerView>();
    assert.deepEqual([view.state, view.to, view.by, view.endedAt], ['calling', 'boss', null, null]);
    const order = api.node.orders[0]?.order;
    assert.ok(order?.kind === 'listen');
    assert.deepEqual([order.listenerId, order.to], [view.listenerId, 'boss']);
  });

  it('tells each step from the events of the call, and keeps the end', async () => {
    api.record(told('calling', { uri: 'sip:boss@h' }));
    assert.equal((await show()).state, 'calling');
    api.record(told('ringing', { status: 180 }));
    assert.equal((await show()).state, 'ringing');
    api.record(told('started', { status: 200 }, AT + 5));
    const up = await show();
    assert.deepEqual([up.state, up.answeredAt, up.sipStatus, up.legId], ['listening', AT + 5, 200, 'c1.3']);
    api.record(told('ended', { status: null, reason: 'hung_up', detail: 'BYE' }, AT + 9));
    const over = await show();
    assert.deepEqual([over.state, over.reason, over.endedAt, over.by], ['ended', 'hung_up', AT + 9, 'ana']);
    const list = (await api.app.inject('/v1/calls/c1/listeners')).json<{ listeners: ListenerView[] }>();
    assert.deepEqual(list.listeners, [over]);
    const call = (await api.app.inject('/v1/calls/c1')).json<CallView>();
    assert.deepEqual(call.listeners, [over]);
    assert.deepEqual(cdrOf(call)['listeners'], [over], 'the CDR has it');
  });

  it('leaves nobody listening to a call that was taken down by force', async () => {
    api.record(told('started'), ended());
    const { state, reason } = await show();
    assert.deepEqual([state, reason], ['ended', 'call_ended']);
  });

  it('shows why a phone was not reached, and goes on with the next one', async () => {
    api.record(told('calling'), told('not_reached', { status: 486, reason: 'busy', detail: '486 Busy' }));
    assert.equal((await show()).state, 'calling');
    api.record(told('calling', { destination: 'deputy', leg: 'c1.4' }));
    api.record(told('ended', { status: 603, reason: 'declined', detail: '603 No', destination: 'deputy' }));
    const { state, reason, sipStatus, destination } = await show();
    assert.deepEqual([state, reason, sipStatus, destination], ['ended', 'declined', 603, 'deputy']);
  });

  for (const [code, status] of [
    ['listen_off', 403],
    ['listener_not_allowed', 403],
    ['listen_unsupported', 409],
    ['too_many_listeners', 409],
    ['unavailable', 409],
    ['trunk_full', 503],
    ['unknown_call', 404],
    ['call_ending', 409],
  ] as const)
    it(`answers ${status} where the call refuses with ${code}`, async () => {
      api.node.answer = () => ({ accepted: false, code, detail: 'because' });
      const response = await post({ to: 'boss' });
      assert.equal(response.statusCode, status);
      assert.equal(codeOf(response), code);
      assert.ok(response.json<{ remedy: string }>().remedy.length > 10);
    });

  it('refuses a body without a phone, with white space in it, or with more', async () => {
    for (const body of [{}, { to: null }, { to: '' }, { to: 'a b' }, { to: 'boss', whisper: true }])
      assert.equal((await post(body)).statusCode, 400, JSON.stringify(body));
    assert.equal(api.node.orders.length, 0);
  });

  it('refuses an unknown call, an ended one, and an unknown listener', async () => {
    const other = await api.app.inject({
      method: 'POST',
      url: '/v1/calls/c9/listeners',
      payload: { to: 'x' },
    });
    assert.equal(codeOf(other), 'unknown_call');
    assert.equal(codeOf(await api.app.inject('/v1/calls/c9/listeners')), 'unknown_call');
    assert.equal(codeOf(await api.app.inject('/v1/calls/c1/listeners/l9')), 'unknown_listener');
    api.record(ended());
    const late = await post({ to: 'boss' });
    assert.deepEqual([late.statusCode, codeOf(late)], [409, 'call_ended']);
  });

  it('carries a repeated Idempotency-Key out once and answers the same', async () => {
    const key = { 'idempotency-key': 'k' };
    const [first, second] = await Promise.all([post({ to: 'boss' }, key), post({ to: 'boss' }, key)]);
    assert.equal(api.node.orders.length, 1);
    assert.equal(first.body, second.body);
    assert.equal(codeOf(await post({ to: 'deputy' }, key)), 'idempotency_key_reused');
  });

  it('tries an unanswered order again under the same id', async () => {
    const key = { 'idempotency-key': 'k' };
    api.node.answer = () => {
      throw new RelevoError('signalling_unavailable', 'no answer', 'try again');
    };
    assert.equal((await post({ to: 'boss' }, key)).statusCode, 504);
    api.node.answer = () => ({ accepted: true });
    assert.equal((await post({ to: 'boss' }, key)).statusCode, 202);
    const ids = api.node.orders.map(({ order }) => (order.kind === 'listen' ? order.listenerId : ''));
    assert.equal(new Set(ids).size, 1);
  });

  it('lets one go, once; one that ended meanwhile is a conflict', async () => {
    const stop = (lid: string) => api.app.inject({ method: 'DELETE', url: `/v1/calls/c1/listeners/${lid}` });
    api.record(told('started'));
    assert.equal((await stop('l1')).statusCode, 202);
    assert.deepEqual(api.node.orders[0]?.order, { kind: 'stopListening', listenerId: 'l1' });
    assert.equal((await stop('l9')).statusCode, 404);
    api.node.answer = () => ({ accepted: false, code: 'unknown_listener', detail: 'gone' });
    assert.equal(codeOf(await stop('l1')), 'listener_ended');
    api.record(told('ended', { reason: 'stopped' }));
    assert.equal((await stop('l1')).statusCode, 409);
    assert.equal(api.node.orders.length, 2);
  });

  it('needs the role operator to begin and to end, viewer to read; who asked is kept', async () => {
    const guarded = await apiFixture(TOKENS);
    guarded.record(started(), withBot());
    const as = (token: string) => ({ authorization: `Bearer ${token}` });
    const order = (token: string) =>
      guarded.app.inject({
        method: 'POST',
        url: '/v1/calls/c1/listeners',
        payload: { to: 'boss' },
        headers: as(token),
      });
    assert.equal((await order('viewer-token')).statusCode, 403);
    const taken = await order('operator-token');
    assert.equal(taken.json<ListenerView>().by, 'supervisors');
    const path = taken.headers.location as string;
    assert.equal((await guarded.app.inject({ url: path, headers: as('viewer-token') })).statusCode, 200);
    const drop = await guarded.app.inject({ method: 'DELETE', url: path, headers: as('viewer-token') });
    assert.equal(drop.statusCode, 403);
    await guarded.close();
  });
});
