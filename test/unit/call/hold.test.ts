import assert from 'node:assert/strict';
import { CallBench, sdp } from '../../support/call/call-bench.js';

function withAgent(): CallBench {
  const bench = new CallBench().withBot();
  bench.transfer();
  bench.accepted('c1.3');
  return bench;
}

describe('hold and re-INVITE', () => {
  it('passes a hold by the caller on to the bot, which hears silence, and its end too', () => {
    const bench = new CallBench().withBot();
    const held = bench.request('c1.1', 'INVITE', { body: sdp('sendonly') });
    assert.match(bench.requests('INVITE', 'c1.2')[0]?.body ?? '', /a=sendonly/);
    assert.equal(bench.hears('c1.2'), 'silence');
    assert.equal(bench.statusOf(held), 200);
    assert.equal(bench.call.legs()[0]?.onHold, true);
    bench.signal({ kind: 'acked', legId: 'c1.1', requestId: held, sdp: null });
    const resumed = bench.request('c1.1', 'INVITE', { body: sdp('sendrecv') });
    assert.match(bench.requests('INVITE', 'c1.2')[1]?.body ?? '', /a=sendrecv/);
    assert.equal(bench.hears('c1.2'), 'c1.1');
    assert.equal(bench.statusOf(resumed), 200);
    assert.equal(bench.call.legs()[0]?.onHold, false);
  });

  it('records each change of a hold, so that the legs can be shown as they are', () => {
    const bench = new CallBench().withBot();
    const shown = (): (boolean | undefined)[] =>
      bench.records.flatMap((record) =>
        record.kind === 'call.state' && record.state === 'with_bot'
          ? [record.legs.find(({ party }) => party === 'caller')?.onHold]
          : [],
      );
    assert.deepEqual(shown(), [false]);
    const held = bench.request('c1.1', 'INVITE', { body: sdp('sendonly') });
    bench.signal({ kind: 'acked', legId: 'c1.1', requestId: held, sdp: null });
    assert.deepEqual(shown(), [false, true]);
    bench.request('c1.1', 'INVITE', { body: sdp('sendrecv') });
    assert.deepEqual(shown(), [false, true, false]);
  });

  it('a person whose peer holds hears music', () => {
    const bench = withAgent();
    bench.request('c1.3', 'INVITE', { body: sdp('inactive') });
    assert.equal(bench.hears('c1.1'), 'music');
    assert.match(bench.requests('INVITE', 'c1.1')[0]?.body ?? '', /a=sendonly/);
  });

  it('answers the holder within 4 s where the other side does not answer', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    const held = bench.request('c1.1', 'INVITE', { body: sdp('sendonly') });
    assert.equal(bench.statusOf(held), null);
    bench.clock.advance(4_000);
    assert.equal(bench.statusOf(held), 200);
  });

  it('answers a re-INVITE that changes no direction by itself', () => {
    const bench = new CallBench().withBot();
    const refreshed = bench.request('c1.1', 'INVITE', { body: sdp('sendrecv', 'new address') });
    assert.equal(bench.statusOf(refreshed), 200);
    assert.equal(bench.requests('INVITE').length, 0);
  });

  it('answers an offerless re-INVITE with an offer and takes the answer from the ACK', () => {
    const bench = new CallBench().withBot();
    const asked = bench.request('c1.1', 'INVITE');
    const answer = bench.sent('respond').at(-1);
    assert.match(answer?.body ?? '', /offer/);
    bench.signal({ kind: 'acked', legId: 'c1.1', requestId: asked, sdp: sdp('sendonly') });
    assert.equal(bench.hears('c1.2'), 'silence');
  });

  it('answers UPDATE with SDP like a re-INVITE, and without with 200', () => {
    const bench = new CallBench().withBot();
    assert.equal(bench.statusOf(bench.request('c1.1', 'UPDATE')), 200);
    assert.equal(bench.statusOf(bench.request('c1.1', 'UPDATE', { body: sdp('sendonly') })), 200);
    assert.equal(bench.hears('c1.2'), 'silence');
  });

  it('answers a second offer before the first is settled with 500 and Retry-After', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    bench.request('c1.1', 'INVITE', { body: sdp('sendonly') });
    const second = bench.request('c1.1', 'INVITE', { body: sdp('sendonly') });
    assert.equal(bench.statusOf(second), 500);
    assert.ok(bench.sent('respond').at(-1)?.headers['Retry-After']);
  });

  it('answers an offer that crosses ours with 491', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    bench.request('c1.1', 'INVITE', { body: sdp('sendonly') });
    const crossing = bench.request('c1.2', 'INVITE', { body: sdp('sendonly') });
    assert.equal(bench.statusOf(crossing), 491);
  });

  it('repeats its offer after 491, 2.1 to 4 s later where it owns the Call-ID', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    bench.request('c1.1', 'INVITE', { body: sdp('sendonly') });
    bench.respond('INVITE', 491);
    bench.clock.advance(2_099);
    assert.equal(bench.requests('INVITE', 'c1.2').length, 1);
    bench.clock.advance(1_901);
    assert.equal(bench.requests('INVITE', 'c1.2').length, 2);
    bench.respond('INVITE', 200, {}, sdp('recvonly'));
    bench.bye('c1.1');
    bench.assertOver();
  });

  it('repeats its offer after 0 to 2 s where the peer owns the Call-ID', () => {
    const bench = withAgent();
    bench.auto.requests = false;
    bench.request('c1.3', 'INVITE', { body: sdp('sendonly') });
    bench.respond('INVITE', 491);
    bench.clock.advance(2_000);
    assert.equal(bench.requests('INVITE', 'c1.1').length, 2);
  });

  it('repeats its offer after 500 with Retry-After', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    bench.request('c1.1', 'INVITE', { body: sdp('sendonly') });
    bench.respond('INVITE', 500, { 'retry-after': '3' });
    bench.clock.advance(3_000);
    assert.equal(bench.requests('INVITE', 'c1.2').length, 2);
  });

  it('ends the call where our re-INVITE shows that the caller is gone: 481', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    bench.request('c1.2', 'INVITE', { body: sdp('sendonly') });
    bench.respond('INVITE', 481);
    bench.assertOver();
    assert.equal(bench.endRecord().endedBy, 'caller');
  });

  it('sends BYE while a re-INVITE is pending', () => {
    const bench = new CallBench().withBot();
    bench.auto.requests = false;
    bench.request('c1.1', 'INVITE', { body: sdp('sendonly') });
    bench.bye('c1.2');
    bench.assertOver();
  });

  it('refuses an offer without a codec of ours with 488 and keeps the call', () => {
    const bench = new CallBench().withBot();
    assert.equal(bench.statusOf(bench.request('c1.1', 'INVITE', { body: sdp('sendrecv', 'bad') })), 488);
    assert.equal(bench.call.state, 'with_bot');
  });
});
