import assert from 'node:assert/strict';
import type { Clock, Timer } from '../../../../src/common/clock.js';
import { createLogger } from '../../../../src/common/log.js';
import { BoundedMap } from '../../../../src/engine/protection/bounded-map.js';
import { Gatekeeper, looksLikeSip } from '../../../../src/engine/protection/gatekeeper.js';
import { LoadWatch } from '../../../../src/engine/protection/load-watch.js';
import { TokenBucket } from '../../../../src/engine/protection/token-bucket.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

/** A clock whose timers fire as late as the test says. */
class LateClock implements Clock {
  nowMs = 0;
  due: (() => void) | undefined;

  now(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    this.due = () => {
      this.nowMs += delayMs;
      fire();
    };
    return {
      cancel: () => {
        this.due = undefined;
      },
    };
  }

  fireLate(byMs: number): void {
    this.nowMs += byMs;
    this.due?.();
  }
}

describe('protection of the engine', () => {
  const log = createLogger('engine', 'silent');
  const idle = { backlogBytes: () => 0, queuedMs: () => 0, callers: (): string[] => [] };

  it('a bucket lets its rate through, no burst beyond it, and fills again with time', () => {
    const bucket = new TokenBucket(3, 0);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => bucket.take(0)),
      [true, true, true, false],
    );
    assert.equal(bucket.take(300), false);
    assert.equal(bucket.take(400), true);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => bucket.take(60_000)),
      [true, true, true, false],
    );
  });

  it('a map of sources forgets the one that was silent longest', () => {
    const map = new BoundedMap<number>(2);
    map.obtain('a', () => 1);
    map.obtain('b', () => 2);
    map.obtain('a', () => 0);
    map.obtain('c', () => 3);
    assert.equal(map.size, 2);
    assert.equal(
      map.obtain('a', () => 9),
      1,
    );
    assert.equal(
      map.obtain('b', () => 9),
      9,
    );
  });

  it('overload is two late samples in a row, and ends with the first in time', () => {
    const clock = new LateClock();
    const watch = new LoadWatch(clock, 500);
    clock.fireLate(900);
    assert.equal(watch.overloaded, false);
    clock.fireLate(900);
    assert.equal(watch.overloaded, true);
    clock.fireLate(0);
    assert.equal(watch.overloaded, false);
    watch.close();
    assert.equal(clock.due, undefined);
  });

  it('sheds calls while an application does not read, and keeps count', () => {
    let backlog = 0;
    const gate = new Gatekeeper({ overloadBacklogBytes: 1_000 }, new VirtualClock(), log, {
      ...idle,
      backlogBytes: () => backlog,
    });
    assert.equal(gate.judgeCall('192.0.2.1'), 'pass');
    backlog = 1_001;
    assert.equal(gate.judgeCall('192.0.2.1'), 'overloaded');
    assert.equal(gate.counts().callsShed, 1);
    gate.close();
  });

  it('reads addresses and blocks of both families, and refuses nonsense', () => {
    const allow = ['198.51.100.0/24', '192.0.2.7', '2001:db8::/32'];
    const gate = new Gatekeeper({ allow }, new VirtualClock(), log, idle);
    for (const [address, verdict] of [
      ['198.51.100.9', 'pass'],
      ['::ffff:198.51.100.9', 'pass'],
      ['192.0.2.7', 'pass'],
      ['2001:db8:1::1', 'pass'],
      ['192.0.2.8', 'drop'],
      ['2001:db9::1', 'drop'],
    ] as const)
      assert.equal(gate.judgeSource(address), verdict, address);
    gate.close();
    assert.throws(
      () => new Gatekeeper({ allow: ['here'] }, new VirtualClock(), log, idle),
      (error: { code?: string }) => error.code === 'engine_bad_source_list',
    );
  });

  it('remembers a bounded number of sources', () => {
    const gate = new Gatekeeper({ callsPerSecondPerSource: 1 }, new VirtualClock(), log, idle);
    for (let source = 0; source < 20_000; source++)
      gate.judgeCall(`10.${source >> 16}.${(source >> 8) & 255}.${source & 255}`);
    assert.equal(gate.counts().sources, 10_000);
    gate.close();
  });

  it('tells SIP from noise by the first line', () => {
    for (const sip of [
      'INVITE sip:a SIP/2.0\r\n',
      '\r\n\r\nOPTIONS sip:a SIP/2.0\n',
      'SIP/2.0 200 OK\r\n',
      '\r\n\r\n',
      'X y SIP/7.0 \r\n',
    ])
      assert.equal(looksLikeSip(Buffer.from(sip)), true, sip);
    for (const noise of ['GET / HTTP/1.1\r\n', 'no line end', '\x16\x03\x01\n'])
      assert.equal(looksLikeSip(Buffer.from(noise)), false, noise);
  });
});
