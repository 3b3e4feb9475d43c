import assert from 'node:assert/strict';
import { RelevoError } from '../../../src/common/errors.js';
import type { TransferView } from '../../../src/observe/call-view.js';
import { ended, started, transferEnded, transferStarted, withBot } from '../observe/call-records.js';
import { apiFixture, type ApiFixture } from './fake-node.js';

describe('control API: transfers', () => {
  let api: ApiFixture;
  beforeEach(async () => {
    api = await apiFixture();
    api.record(started(), withBot());
  });
  afterEach(() => api.close());

  const post = (payload: object, key?: string) =>
    api.app.inject({
      method: 'POST',
      url: '/v1/calls/c1/transfers',
      payload,
      headers: key === undefined ? {} : { 'idempotency-key': key },
    });

  it('answers 202 with the place where the transfer can be read, at once', async () => {
    const response = await post({ to: 'support', headers: { 'X-Ticket': '7' } });
    assert.equal(response.statusCode, 202);
    const view = (await api.app.inject(response.headers.location as string)).json<TransferView>();
    assert.equal(view.state, 'accepted');
    assert.equal(view.destination, 'support');
    const order = api.node.orders[0]?.order;
    assert.ok(order?.kind === 'transfer');
    assert.deepEqual(order.headers, { 'X-Ticket': '7' });
    assert.equal(order.reason, 'operator');
  });

  it('shows the one terminal result of a transfer', async () => {
    api.record(transferStarted(), transferEnded());
    const view = (await api.app.inject('/v1/calls/c1/transfers/t1')).json<TransferView>();
    assert.equal(view.state, 'ended');
    assert.equal(view.result?.outcome, 'completed');
    assert.equal(view.startedAt, (transferStarted() as { at: number }).at);
  });

  for (const [code, status] of [
    ['transfer_in_flight', 409],
    ['not_allowed', 403],
    ['call_ending', 409],
    ['unknown_call', 404],
  ] as const)
    it(`answers ${status} where the call refuses with ${code}`, async () => {
      api.node.answer = () => ({ accepted: false, code, detail: 'because' });
      const response = await post({});
      assert.equal(response.statusCode, status);
      const problem = response.json<{ code: string; detail: string; remedy: string }>();
      assert.equal(problem.code, code);
      assert.equal(problem.detail, 'because');
    });

  it('refuses a header value that would smuggle a line into the SIP message', async () => {
    const response = await post({ headers: { 'X-A': 'a\r\nX-B: b' } });
    assert.equal(response.statusCode, 400);
    assert.equal(api.node.orders.length, 0);
  });

  it('refuses a key that it does not know', async () => {
    assert.equal((await post({ too: 'support' })).statusCode, 400);
  });

  it('carries a repeated Idempotency-Key out once and answers the same', async () => {
    const [first, second] = await Promise.all([post({ to: 'support' }, 'k'), post({ to: 'support' }, 'k')]);
    assert.equal(api.node.orders.length, 1);
    assert.equal(first.headers.location, second.headers.location);
    assert.equal(first.body, second.body);
    api.record(ended());
    assert.equal((await post({ to: 'support' }, 'k')).body, first.body);
  });

  it('refuses the same key with another body', async () => {
    await post({ to: 'support' }, 'k');
    const response = await post({ to: 'billing' }, 'k');
    assert.equal(response.statusCode, 422);
    assert.equal(response.json<{ code: string }>().code, 'idempotency_key_reused');
  });

  it('repeats a refusal for the same key', async () => {
    api.node.answer = () => ({ accepted: false, code: 'transfer_in_flight', detail: 'one runs' });
    assert.equal((await post({}, 'k')).statusCode, 409);
    api.node.answer = () => ({ accepted: true });
    assert.equal((await post({}, 'k')).statusCode, 409);
  });

  it('tries an unanswered order again under the same transfer id, and does not start a second transfer', async () => {
    api.node.answer = () => {
      throw new RelevoError('signalling_unavailable', 'no answer', 'try again');
    };
    assert.equal((await post({}, 'k')).statusCode, 504);
    const lost = api.node.orders[0]?.order;
    assert.ok(lost?.kind === 'transfer');
    api.record(transferStarted('c1', lost.transferId));
    const again = await post({}, 'k');
    assert.equal(again.statusCode, 202);
    assert.ok((again.headers.location as string).endsWith(lost.transferId));
    assert.equal(api.node.orders.length, 1);
  });

  it('cancels a transfer in flight, and only that', async () => {
    api.record(transferStarted());
    const cancel = (tid: string) =>
      api.app.inject({ method: 'DELETE', url: `/v1/calls/c1/transfers/${tid}` });
    assert.equal((await cancel('t1')).statusCode, 202);
    assert.deepEqual(api.node.orders[0]?.order, { kind: 'cancelTransfer', transferId: 't1' });
    assert.equal((await cancel('t9')).statusCode, 404);
    api.record(transferEnded());
    assert.equal((await cancel('t1')).statusCode, 409);
  });

  it('refuses a transfer of an ended call', async () => {
    api.record(ended());
    const response = await post({});
    assert.equal(response.statusCode, 409);
    assert.equal(response.json<{ code: string }>().code, 'call_ended');
  });
});
