import assert from 'node:assert/strict';
import { AckWait } from '../../../../src/sip/transaction/ack-wait.js';
import { DEFAULT_TIMERS } from '../../../../src/sip/transaction/timers.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

function waiting() {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const wait = new AckWait({
    clock,
    timers: DEFAULT_TIMERS,
    resend: () => seen.push(String(clock.now())),
    onTimeout: () => seen.push('timeout'),
  });
  return { clock, seen, wait };
}

describe('a 2xx to INVITE waiting for its ACK (13.3.1.4)', () => {
  it('is repeated after T1, doubling to T2, for 64*T1', () => {
    const { clock, seen, wait } = waiting();
    clock.advance(60_000);
    assert.deepEqual(seen, [
      '500',
      '1500',
      '3500',
      '7500',
      '11500',
      '15500',
      '19500',
      '23500',
      '27500',
      '31500',
      'timeout',
    ]);
    assert.equal(wait.acknowledge(), false);
    assert.equal(clock.pendingTimers, 0);
  });

  it('is repeated no more after the ACK', () => {
    const { clock, seen, wait } = waiting();
    clock.advance(600);
    assert.equal(wait.acknowledge(), true);
    assert.equal(wait.acknowledge(), false);
    assert.equal(clock.pendingTimers, 0);
    assert.deepEqual(seen, ['500']);
  });
});
