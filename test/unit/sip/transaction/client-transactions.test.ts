import assert from 'node:assert/strict';
import type { SipRequest } from '../../../../src/sip/message.js';
import { LayerHarness } from './layer-harness.js';

const sentRequest = (harness: LayerHarness, method: string): SipRequest => {
  const found = harness.messages.findLast(
    (message) => message.kind === 'request' && message.method === method,
  );
  assert.ok(found?.kind === 'request');
  return found;
};

describe('INVITE client transaction', () => {
  it('retransmits on timer A, doubling, and times out on timer B after 64*T1', () => {
    const harness = new LayerHarness();
    harness.send('INVITE');
    harness.clock.advance(40_000);
    assert.deepEqual(
      harness.sent,
      ['0', '500', '1500', '3500', '7500', '15500', '31500'].map((at) => `${at} INVITE`),
    );
    assert.deepEqual(harness.told, ['timeout B']);
    assert.equal(harness.leftovers(), 0);
  });

  it('does not retransmit over a reliable transport', () => {
    const harness = new LayerHarness('tcp');
    harness.send('INVITE');
    harness.clock.advance(40_000);
    assert.deepEqual(harness.sent, ['0 INVITE']);
    assert.deepEqual(harness.told, ['timeout B']);
  });

  it('stops retransmitting on a provisional response, and then waits', () => {
    const harness = new LayerHarness();
    harness.send('INVITE');
    harness.clock.advance(600);
    harness.answer(180, 'INVITE');
    harness.clock.advance(120_000);
    assert.deepEqual(harness.sent, ['0 INVITE', '500 INVITE']);
    assert.deepEqual(harness.told, ['response 180']);
  });

  it('passes every 2xx up in Accepted until timer M (RFC 6026 8.4)', () => {
    const harness = new LayerHarness();
    const id = harness.send('INVITE');
    harness.answer(200, 'INVITE');
    assert.equal(harness.layer.stateOf(id), 'accepted');
    harness.answer(200, 'INVITE');
    harness.answer(180, 'INVITE');
    harness.answer(486, 'INVITE');
    assert.deepEqual(harness.told, ['response 200', 'response 200']);
    harness.clock.advance(32_000);
    assert.equal(harness.leftovers(), 0);
    harness.answer(200, 'INVITE');
    assert.equal(harness.told.at(-1), 'stray 200');
    assert.equal(harness.layer.counts().strayResponses, 1);
  });

  it("acknowledges a non-2xx with the INVITE's hop and Route, and each repetition too (17.1.1.3)", () => {
    const harness = new LayerHarness();
    harness.send('INVITE');
    const invite = sentRequest(harness, 'INVITE');
    harness.answer(486, 'INVITE');
    const ack = sentRequest(harness, 'ACK');
    assert.equal(ack.uri, invite.uri);
    assert.equal(ack.headers.get('Via'), invite.headers.get('Via'));
    assert.equal(ack.headers.get('CSeq'), '314159 ACK');
    assert.equal(ack.headers.toTag(), 'peer');
    harness.answer(486, 'INVITE');
    assert.deepEqual(harness.sent, ['0 INVITE', '0 ACK', '0 ACK']);
    assert.deepEqual(harness.told, ['response 486']);
    harness.clock.advance(31_999);
    harness.answer(486, 'INVITE');
    assert.equal(harness.sent.at(-1), '31999 ACK');
    harness.clock.advance(1);
    assert.equal(harness.leftovers(), 0);
  });

  it('ends at once after a non-2xx over TCP: timer D is zero', () => {
    const harness = new LayerHarness('tcp');
    harness.send('INVITE');
    harness.answer(603, 'INVITE');
    assert.deepEqual(harness.sent, ['0 INVITE', '0 ACK']);
    assert.equal(harness.leftovers(), 0);
  });

  it('reports a transport error and ends', () => {
    const harness = new LayerHarness('tcp');
    harness.layer.transportError(harness.send('INVITE'));
    assert.deepEqual(harness.told, ['transport error']);
    assert.equal(harness.leftovers(), 0);
  });

  it('does not give up a ringing call when its connection breaks', () => {
    const harness = new LayerHarness('tcp');
    const id = harness.send('INVITE');
    harness.answer(180, 'INVITE');
    harness.layer.transportError(id);
    harness.answer(200, 'INVITE');
    assert.deepEqual(harness.told, ['response 180', 'response 200']);
  });
});

describe('CANCEL of an INVITE that we sent (9.1)', () => {
  it('is sent at once after a provisional response, on the same hop, with To as in the INVITE', () => {
    const harness = new LayerHarness();
    const id = harness.send('INVITE');
    harness.answer(100, 'INVITE');
    assert.equal(harness.layer.cancel(id, [['Reason', 'SIP;cause=200']]), 'sent');
    const cancel = sentRequest(harness, 'CANCEL');
    assert.equal(cancel.headers.get('Via'), sentRequest(harness, 'INVITE').headers.get('Via'));
    assert.equal(cancel.headers.get('CSeq'), '314159 CANCEL');
    assert.equal(cancel.headers.toTag(), undefined);
    assert.equal(cancel.headers.get('Reason'), 'SIP;cause=200');
    harness.answer(200, 'CANCEL');
    harness.answer(487, 'INVITE');
    assert.deepEqual(harness.told, ['response 100', 'response 487']);
    harness.clock.advance(40_000);
    assert.equal(harness.leftovers(), 0);
  });

  it('is held until a provisional response comes', () => {
    const harness = new LayerHarness();
    const id = harness.send('INVITE');
    assert.equal(harness.layer.cancel(id), 'held-for-provisional');
    assert.deepEqual(harness.sent, ['0 INVITE']);
    harness.clock.advance(100);
    harness.answer(180, 'INVITE');
    assert.deepEqual(harness.sent, ['0 INVITE', '100 CANCEL']);
  });

  it('is never sent when the final response comes first', () => {
    const harness = new LayerHarness();
    const id = harness.send('INVITE');
    harness.layer.cancel(id);
    harness.answer(200, 'INVITE');
    assert.equal(harness.layer.cancel(id), 'too-late');
    harness.clock.advance(40_000);
    assert.deepEqual(harness.sent, ['0 INVITE']);
    assert.equal(harness.layer.cancel(id), 'unknown-transaction');
  });

  it('ends the INVITE after 64*T1 without a final response', () => {
    const harness = new LayerHarness();
    const id = harness.send('INVITE');
    harness.answer(180, 'INVITE');
    harness.layer.cancel(id);
    harness.clock.advance(32_000);
    assert.deepEqual(harness.told, ['response 180', 'timeout X']);
    assert.equal(harness.leftovers(), 0);
  });

  it('is sent by itself on timer C; 100 does not put it off, 180 does (16.7)', () => {
    const harness = new LayerHarness('udp', { timerC: 180_000 });
    harness.send('INVITE');
    harness.answer(100, 'INVITE');
    harness.clock.advance(100_000);
    harness.answer(180, 'INVITE');
    harness.clock.advance(100_000);
    harness.answer(100, 'INVITE');
    assert.ok(!harness.sent.includes('200000 CANCEL'));
    harness.clock.advance(80_000);
    assert.ok(harness.sent.includes('280000 CANCEL'));
    harness.clock.advance(32_000);
    assert.equal(harness.told.at(-1), 'timeout X');
    assert.equal(harness.leftovers(), 0);
  });
});

describe('non-INVITE client transaction', () => {
  it('retransmits on timer E up to T2, and times out on timer F', () => {
    const harness = new LayerHarness();
    harness.send('BYE');
    harness.clock.advance(40_000);
    const times = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert.deepEqual(
      harness.sent,
      times.map((at) => `${at} BYE`),
    );
    assert.deepEqual(harness.told, ['timeout F']);
    assert.equal(harness.leftovers(), 0);
  });

  it('retransmits every T2 after a provisional response', () => {
    const harness = new LayerHarness();
    harness.send('OPTIONS');
    harness.clock.advance(100);
    harness.answer(100, 'OPTIONS');
    harness.clock.advance(10_000);
    assert.deepEqual(harness.sent, ['0 OPTIONS', '500 OPTIONS', '4500 OPTIONS', '8500 OPTIONS']);
  });

  it('absorbs repeated final responses until timer K', () => {
    const harness = new LayerHarness();
    harness.send('BYE');
    harness.answer(200, 'BYE');
    harness.answer(200, 'BYE');
    harness.clock.advance(4999);
    harness.answer(200, 'BYE');
    assert.deepEqual(harness.told, ['response 200']);
    harness.clock.advance(1);
    assert.equal(harness.leftovers(), 0);
  });

  it('ends at once over TCP', () => {
    const harness = new LayerHarness('tls');
    harness.send('BYE');
    harness.answer(200, 'BYE');
    assert.equal(harness.leftovers(), 0);
  });

  it('does not match a response to another method with the same branch (17.1.3)', () => {
    const harness = new LayerHarness();
    harness.send('BYE');
    const response = harness.messages[0]!.headers.clone();
    response.set('CSeq', '314159 INFO');
    harness.layer.receive(
      { kind: 'response', status: 200, reason: 'OK', headers: response, body: Buffer.alloc(0) },
      harness.source,
    );
    assert.deepEqual(harness.told, ['stray 200']);
  });
});
