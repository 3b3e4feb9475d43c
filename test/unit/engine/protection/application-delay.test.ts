import assert from 'node:assert/strict';
import { ApplicationDelay } from '../../../../src/engine/protection/application-delay.js';
import { Gatekeeper } from '../../../../src/engine/protection/gatekeeper.js';
import { createLogger } from '../../../../src/common/log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

/** Answers every 50 ms that took that long, from `fromMs` on. */
function answers(delay: ApplicationDelay, fromMs: number, tookMs: readonly number[]): void {
  tookMs.forEach((took, index) => {
    delay.note(took, fromMs + index * 50);
  });
}

describe('how far applications are behind', () => {
  it('is the fastest answer of a window', () => {
    const delay = new ApplicationDelay();
    answers(delay, 1000, [900, 500, 400, 450, 470, 480, 600]);
    assert.equal(delay.delayMs(1350), 400);
  });

  it('is nothing while one answer in a window is quick: a program may take its time over the others', () => {
    const delay = new ApplicationDelay();
    answers(delay, 1000, [900, 900, 3, 900, 900, 900, 900]);
    assert.equal(delay.delayMs(1350), 3);
  });

  it('is over with the first quick answer, or when nothing is heard for half a second', () => {
    const delay = new ApplicationDelay();
    answers(delay, 1000, [900, 900, 900, 900, 900, 900, 900]);
    assert.equal(delay.delayMs(1350), 900);
    assert.equal(delay.delayMs(1900), 0);
    delay.note(5, 1400);
    assert.equal(delay.delayMs(1400), 5);
  });

  it('is not told from a handful of calls', () => {
    const delay = new ApplicationDelay();
    delay.note(900, 1000);
    delay.note(900, 1400);
    delay.note(900, 1800);
    assert.equal(delay.delayMs(1800), 0);
  });

  it('sheds new calls beyond T1, unless watching is turned off', () => {
    const judge = (queuedMs: number, overloadLagMs?: number): string => {
      const options = overloadLagMs === undefined ? {} : { overloadLagMs };
      const log = createLogger('test', 'silent');
      const gate = new Gatekeeper(
        options,
        new VirtualClock(),
        log,
        () => 0,
        () => queuedMs,
      );
      const verdict = gate.judgeCall('192.0.2.1');
      gate.close();
      return verdict;
    };
    assert.equal(judge(450), 'pass');
    assert.equal(judge(550), 'overloaded');
    assert.equal(judge(250, 200), 'overloaded');
    assert.equal(judge(5000, 0), 'pass');
  });
});
