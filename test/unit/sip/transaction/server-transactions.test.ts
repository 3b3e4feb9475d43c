import assert from 'node:assert/strict';
import { requestLines, wire } from '../../../fixtures/sip/sample-messages.js';
import { LayerHarness } from './layer-harness.js';

const ack = { method: 'ACK', cseq: '314159 ACK' };
const cancel = { method: 'CANCEL', cseq: '314159 CANCEL' };
const toTagOf = (harness: LayerHarness, at: number): string | undefined =>
  harness.messages.at(at)?.headers.toTag();

describe('INVITE server transaction', () => {
  it('sends 100 at once, without To tag, and repeats the last provisional for each retransmission', () => {
    const harness = new LayerHarness('udp', {}, true);
    harness.arrive();
    harness.arrive();
    harness.respond(180);
    harness.arrive();
    assert.deepEqual(harness.sent, ['0 100', '0 100', '0 180', '0 180']);
    assert.equal(toTagOf(harness, 0), undefined);
    assert.deepEqual(harness.told, ['request INVITE']);
    assert.equal(harness.layer.counts().retransmissionsReceived, 2);
  });

  it('repeats a non-2xx on timer G up to T2 and gives up on timer H', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.respond(486);
    harness.clock.advance(40_000);
    const times = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert.deepEqual(
      harness.sent,
      times.map((at) => `${at} 486`),
    );
    assert.deepEqual(harness.told, ['request INVITE', 'ack timeout']);
    assert.equal(harness.leftovers(), 0);
  });

  it('absorbs the ACK of a non-2xx and stays T4 for its repetitions', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.respond(486);
    harness.arrive(ack);
    harness.arrive(ack);
    harness.arrive();
    assert.equal(harness.layer.stateOf(harness.incoming), 'confirmed');
    harness.clock.advance(5000);
    assert.deepEqual(harness.sent, ['0 486']);
    assert.deepEqual(harness.told, ['request INVITE']);
    assert.equal(harness.leftovers(), 0);
  });

  it('over TCP repeats nothing but still waits for the ACK, and ends with it', () => {
    const harness = new LayerHarness('tcp');
    harness.arrive();
    harness.respond(486);
    harness.clock.advance(20_000);
    assert.deepEqual(harness.sent, ['0 486']);
    harness.arrive(ack);
    assert.equal(harness.leftovers(), 0);
  });

  it('absorbs retransmissions in Accepted until timer L, without repeating the 2xx (RFC 6026 8.5)', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.respond(200);
    harness.arrive();
    assert.deepEqual(harness.sent, ['0 200']);
    assert.deepEqual(harness.told, ['request INVITE']);
    harness.clock.advance(32_000);
    assert.equal(harness.leftovers(), 0);
  });

  it('passes up the ACK of a 2xx, matched or not', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.respond(200);
    harness.arrive({ ...ack, via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKother' });
    harness.arrive(ack);
    assert.deepEqual(harness.told, ['request INVITE', 'ack', 'ack']);
    assert.equal(harness.layer.counts().strayAcks, 1);
  });

  it('refuses a second final response and an unknown transaction', () => {
    const harness = new LayerHarness();
    harness.arrive();
    assert.equal(harness.respond(486), 'sent');
    assert.equal(harness.respond(200), 'wrong-state');
    assert.equal(harness.respond(180), 'wrong-state');
    harness.clock.advance(40_000);
    assert.equal(harness.respond(200), 'unknown-transaction');
  });

  it('ignores an ACK before any final response', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.arrive(ack);
    assert.equal(harness.layer.counts().ignored, 1);
    assert.equal(harness.layer.stateOf(harness.incoming), 'proceeding');
  });

  it('matches an RFC 2543 client without the magic cookie (17.2.3)', () => {
    const harness = new LayerHarness();
    const via = 'SIP/2.0/UDP 192.0.2.1:5060;branch=1';
    harness.arrive({ via });
    harness.arrive({ via });
    harness.respond(486);
    harness.arrive({ ...ack, via, to: '<sip:bob@192.0.2.4>;tag=x' });
    assert.deepEqual(harness.told, ['request INVITE']);
    assert.equal(harness.layer.stateOf(harness.incoming), 'confirmed');
  });

  it('takes the same branch from another sent-by for another transaction', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.arrive({ callId: 'another', via: 'SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKnashds8' });
    assert.equal(harness.layer.counts().inviteServers, 2);
  });
});

describe('CANCEL of an INVITE that came in (9.2)', () => {
  it("is answered 200 with the To tag of the INVITE's responses, and passed up", () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.respond(180);
    harness.arrive(cancel);
    assert.deepEqual(harness.sent, ['0 180', '0 200']);
    assert.equal(toTagOf(harness, 1), toTagOf(harness, 0));
    assert.deepEqual(harness.told, ['request INVITE', 'cancel of the INVITE']);
    harness.respond(487);
    assert.equal(toTagOf(harness, 2), toTagOf(harness, 0));
    harness.arrive(ack);
    harness.clock.advance(40_000);
    assert.equal(harness.leftovers(), 0);
  });

  it('has no effect after a final response, but is answered 200', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.respond(200);
    harness.arrive(cancel);
    assert.deepEqual(harness.sent, ['0 200', '0 200']);
    assert.deepEqual(harness.told, ['request INVITE']);
  });

  it('is answered 481 when there is no such INVITE, once for all repetitions', () => {
    const harness = new LayerHarness();
    harness.arrive(cancel);
    harness.arrive(cancel);
    assert.deepEqual(harness.sent, ['0 481', '0 481']);
    assert.equal(toTagOf(harness, 0), toTagOf(harness, 1));
    assert.deepEqual(harness.told, []);
  });
});

describe('non-INVITE server transaction', () => {
  it('absorbs retransmissions before the answer and repeats the answer after, until timer J', () => {
    const harness = new LayerHarness();
    harness.arrive({ method: 'BYE' });
    harness.arrive({ method: 'BYE' });
    assert.deepEqual(harness.sent, []);
    harness.respond(200);
    harness.arrive({ method: 'BYE' });
    assert.deepEqual(harness.sent, ['0 200', '0 200']);
    assert.deepEqual(harness.told, ['request BYE']);
    harness.clock.advance(32_000);
    assert.equal(harness.leftovers(), 0);
  });

  it('ends at once over TCP', () => {
    const harness = new LayerHarness('tcp');
    harness.arrive({ method: 'BYE' });
    harness.respond(200);
    assert.equal(harness.leftovers(), 0);
  });
});

describe('what the layer answers by itself', () => {
  it('482 to the same request by another path (8.2.2.2), and absorbs its ACK', () => {
    const harness = new LayerHarness();
    const via = 'SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKotherPath';
    harness.arrive();
    harness.arrive({ via });
    assert.deepEqual(harness.sent, ['0 482']);
    harness.arrive({ ...ack, via });
    assert.deepEqual(harness.told, ['request INVITE']);
    harness.respond(486);
    harness.clock.advance(40_000);
    assert.equal(harness.leftovers(), 0);
    assert.equal(harness.layer.counts().mergedRequests, 1);
  });

  it('takes a request again with a higher CSeq, after a challenge, for a new one', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.respond(401);
    harness.arrive({ cseq: '314160 INVITE', via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKsecond' });
    assert.deepEqual(harness.told, ['request INVITE', 'request INVITE']);
  });

  it('400 to what it cannot parse, to the source, with rport filled', () => {
    const harness = new LayerHarness();
    const bytes = wire(requestLines({ cseq: '1 BYE', via: 'SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1' }));
    assert.equal(harness.layer.receiveBytes(bytes, harness.source).ok, false);
    assert.deepEqual(harness.sent, ['0 400']);
    assert.equal(harness.messages[0]?.headers.topVia()?.rport, 5060);
    assert.ok(toTagOf(harness, 0));
    assert.deepEqual(harness.told, []);
    harness.layer.receiveBytes(Buffer.from('rubbish'), harness.source);
    assert.equal(harness.layer.counts().malformed, 2);
    assert.equal(harness.sent.length, 1);
  });

  it('nothing to a request that was abandoned', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.layer.abandon(harness.incoming);
    assert.equal(harness.respond(200), 'unknown-transaction');
    assert.equal(harness.leftovers(), 0);
  });

  it('nothing any more after close', () => {
    const harness = new LayerHarness();
    harness.arrive();
    harness.send('INVITE');
    harness.send('BYE');
    harness.layer.close();
    harness.layer.close();
    assert.equal(harness.leftovers(), 0);
    harness.clock.advance(60_000);
    assert.equal(harness.sent.length, 2);
  });
});
