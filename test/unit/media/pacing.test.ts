import assert from 'node:assert/strict';
import type { Clock, Timer } from '../../../src/common/clock.js';
import { seededRandom } from '../../../src/common/random.js';
import { OutgoingStream } from '../../../src/media/worker/outgoing-stream.js';
import { Pacer } from '../../../src/media/worker/pacer.js';

/** A clock whose timers fire late: by what the test says of each, as when the loop is busy. */
class LateClock implements Clock {
  #now = 0;
  readonly #lateMs: () => number;
  #next: { readonly at: number; readonly fire: () => void } | null = null;

  constructor(lateMs: () => number) {
    this.#lateMs = lateMs;
  }

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  after(delayMs: number, fire: () => void): Timer {
    const next = { at: this.#now + delayMs, fire };
    assert.equal(this.#next, null, 'the pacer has one timer');
    this.#next = next;
    return {
      cancel: () => {
        if (this.#next === next) this.#next = null;
      },
    };
  }

  /** Runs until the clock has passed `untilMs`. */
  run(untilMs: number): void {
    while (this.#next && this.#now < untilMs) {
      const { at, fire } = this.#next;
      this.#next = null;
      this.#now = Math.max(this.#now, at) + this.#lateMs();
      fire();
    }
  }
}

interface Sent {
  readonly atMs: number;
  readonly timestamp: number;
  readonly marker: boolean;
}

/** A party that hears a prompt, over so many milliseconds. */
function paced(untilMs: number, lateMs: () => number): { sent: Sent[]; endMs: number } {
  const clock = new LateClock(lateMs);
  const pacer = new Pacer(clock);
  const stream = new OutgoingStream(seededRandom(1));
  const sent: Sent[] = [];
  pacer.add(
    {
      tick: (nowMs) => {
        stream.generate(nowMs);
        sent.push({ atMs: nowMs, timestamp: stream.timestamp, marker: stream.markerBit !== 0 });
        stream.sent(160, 160, nowMs);
        return true;
      },
    },
    0,
  );
  clock.run(untilMs);
  pacer.close();
  return { sent, endMs: clock.now() };
}

/** How far the RTP time of a packet is from the time at which it was sent, against the first one. */
const skewMs = (sent: readonly Sent[], at: number): number =>
  ((sent[at]!.timestamp - sent[0]!.timestamp) >>> 0) / 8 - (sent[at]!.atMs - sent[0]!.atMs);

describe('pacing of what is made here', () => {
  it('does not drift where every timer is late', () => {
    const random = seededRandom(3);
    const { sent, endMs } = paced(600_000, () => random.fraction() * 9);
    assert.ok(Math.abs(sent.length - endMs / 20) <= 1, `${sent.length} packets in ${endMs} ms`);
    for (let at = 0; at < sent.length; at++) assert.ok(Math.abs(skewMs(sent, at)) <= 20, `packet ${at}`);
    assert.equal(sent.filter(({ marker }) => marker).length, 1, 'one stretch');
  });

  it('catches up with a stall of 90 ms: nothing is left out, and the timestamps go on', () => {
    let timers = 0;
    const { sent, endMs } = paced(60_000, () => (++timers % 500 === 0 ? 90 : 0));
    assert.ok(Math.abs(sent.length - endMs / 20) <= 1);
    for (let at = 1; at < sent.length; at++)
      assert.equal((sent[at]!.timestamp - sent[at - 1]!.timestamp) >>> 0, 160);
  });

  for (const stallMs of [101, 119, 125, 145, 500, 3000]) {
    it(`leaves out what a stall of ${stallMs} ms took, without a burst, and is in time afterwards, however often`, () => {
      let timers = 0;
      const { sent } = paced(120_000, () => (++timers % 400 === 0 ? stallMs : 0));
      const bursts = new Map<number, number>();
      for (const { atMs } of sent) bursts.set(atMs, (bursts.get(atMs) ?? 0) + 1);
      assert.equal(Math.max(...bursts.values()), 1);
      assert.ok(sent.length < 120_000 / 20 - 10);
      // The bound of a generator that is late; it does not add up.
      for (let at = 0; at < sent.length; at++) {
        const skew = skewMs(sent, at);
        assert.ok(skew <= 20 && skew > -140, `packet ${at} is ${skew} ms off`);
      }
    });
  }
});
