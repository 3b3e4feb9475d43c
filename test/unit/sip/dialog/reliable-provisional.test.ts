import assert from 'node:assert/strict';
import { rackFor, judgeReliable, ReliableSender } from '../../../../src/sip/dialog/reliable-provisional.js';
import type { SipResponse } from '../../../../src/sip/message.js';
import { createResponse } from '../../../../src/sip/response.js';
import { DEFAULT_TIMERS } from '../../../../src/sip/transaction/timers.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { request } from '../../../fixtures/sip/sample-messages.js';

const invite = request();
const ringing = (headers: [string, string][] = []): SipResponse =>
  createResponse(invite, 180, undefined, { toTag: 'x', headers });
const prack = (rack: string) => request({ method: 'PRACK', cseq: '314160 PRACK', more: [`RAck: ${rack}`] });

function sender() {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const reliable = new ReliableSender({
    clock,
    timers: DEFAULT_TIMERS,
    inviteCSeq: 314159,
    firstRSeq: 9021,
    onTimeout: (rseq) => seen.push(`timeout ${rseq}`),
  });
  return { clock, seen, reliable, resend: () => seen.push(String(clock.now())) };
}

describe('reliable provisional responses, sent (RFC 3262 3)', () => {
  it('carry RSeq and Require, and are repeated with T1 doubling until 64*T1', () => {
    const { clock, seen, reliable, resend } = sender();
    const response = ringing();
    assert.equal(reliable.begin(response, resend), true);
    assert.equal(response.headers.get('RSeq'), '9021');
    assert.equal(response.headers.get('Require'), '100rel');
    clock.advance(60_000);
    assert.deepEqual(seen, ['500', '1500', '3500', '7500', '15500', '31500', 'timeout 9021']);
    assert.equal(clock.pendingTimers, 0);
  });

  it('stop at the PRACK that names them, and at no other', () => {
    const { clock, reliable, resend } = sender();
    reliable.begin(ringing(), resend);
    assert.equal(reliable.begin(ringing(), resend), false);
    for (const wrong of ['9020 314159 INVITE', '9021 314158 INVITE', '9021 314159 UPDATE', 'rubbish']) {
      assert.equal(reliable.onPrack(prack(wrong)), 'unmatched', wrong);
    }
    assert.equal(reliable.onPrack(prack('9021 314159 INVITE')), 'matched');
    assert.equal(reliable.onPrack(prack('9021 314159 INVITE')), 'unmatched');
    assert.equal(clock.pendingTimers, 0);
    const next = ringing([['Require', 'timer']]);
    reliable.begin(next, resend);
    assert.equal(next.headers.get('RSeq'), '9022');
    assert.equal(next.headers.get('Require'), 'timer, 100rel');
    reliable.close();
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('reliable provisional responses, received (RFC 3262 4)', () => {
  it('are acknowledged once each and in order', () => {
    const reliable = (rseq: number): SipResponse =>
      ringing([
        ['Require', '100rel'],
        ['RSeq', String(rseq)],
      ]);
    assert.equal(judgeReliable(ringing(), undefined), 'unreliable');
    assert.equal(judgeReliable(ringing([['RSeq', '5']]), 4), 'unreliable');
    assert.equal(judgeReliable(reliable(5), undefined), 'new');
    assert.equal(judgeReliable(reliable(5), 5), 'repeated');
    assert.equal(judgeReliable(reliable(7), 5), 'out-of-order');
    assert.equal(judgeReliable(reliable(6), 5), 'new');
    assert.equal(rackFor(reliable(6)), '6 314159 INVITE');
  });
});
