import assert from 'node:assert/strict';
import { Mixer } from '../../../src/media/worker/mixer.js';
import { decodeG711, encodeG711 } from '../../../src/rtp/g711.js';
import { toneAmplitude } from '../../../src/rtp/goertzel.js';
import { toneSamples } from '../../../src/rtp/tone.js';

const FRAME = 160;

/** A party that speaks one tone, frame by frame. */
class Speaker {
  readonly #codes: Buffer;
  readonly #start: number;
  #at = 0;

  constructor(frequencyHz: number, amplitude = 6000, start = 1000) {
    this.#codes = encodeG711(toneSamples(frequencyHz, 8000, amplitude), 'PCMU');
    this.#start = start;
  }

  say(mixer: Mixer, legId: string): void {
    const timestamp = (this.#start + this.#at) >>> 0;
    mixer.push(legId, timestamp, this.#codes, this.#at, this.#at + FRAME, 'PCMU');
    this.#at += FRAME;
  }

  pause(): void {
    this.#at += FRAME;
  }
}

/** The next `count` frames as samples. */
function read(mixer: Mixer, count: number, each: (frame: number) => void = () => undefined): Int16Array {
  const out = new Int16Array(count * FRAME);
  const codes = Buffer.alloc(FRAME);
  for (let frame = 0; frame < count; frame++) {
    each(frame);
    mixer.next(codes, 0, 'PCMU');
    out.set(decodeG711(codes, 'PCMU'), frame * FRAME);
  }
  return out;
}

describe('mixer', () => {
  it('adds the parties up, each 40 ms after it came', () => {
    const mixer = new Mixer(['a', 'b'], null);
    const [a, b] = [new Speaker(500), new Speaker(900, 6000, 4_294_967_200)];
    const heard = read(mixer, 30, () => {
      a.say(mixer, 'a');
      b.say(mixer, 'b');
    });
    assert.ok(heard.slice(0, 2 * FRAME).every((sample) => sample === 0));
    const steady = heard.slice(2 * FRAME);
    for (const frequency of [500, 900]) {
      const amplitude = toneAmplitude(steady, frequency);
      assert.ok(Math.abs(amplitude - 6000) < 300, `${frequency} Hz: ${amplitude}`);
    }
  });

  it('limits what is too loud instead of wrapping it round', () => {
    const mixer = new Mixer(['a', 'b'], null);
    const [a, b] = [new Speaker(500, 30_000), new Speaker(500, 30_000)];
    const heard = read(mixer, 20, () => {
      a.say(mixer, 'a');
      b.say(mixer, 'b');
    }).slice(2 * FRAME);
    let jump = 0;
    for (let at = 1; at < heard.length; at++) jump = Math.max(jump, Math.abs(heard[at]! - heard[at - 1]!));
    // A wrap would jump by nearly the whole range; two such tones move by 24,000 a sample at most.
    assert.ok(jump < 26_000, `${jump}`);
    assert.ok(Math.max(...heard) > 31_000);
  });

  it('puts packets into their order and forgives one that is late by one frame', () => {
    const mixer = new Mixer(['a'], null);
    const ordered = new Mixer(['a'], null);
    const codes = encodeG711(toneSamples(700, 8000, 6000), 'PCMU');
    const push = (to: Mixer, frame: number): void =>
      to.push('a', frame * FRAME, codes, frame * FRAME, (frame + 1) * FRAME, 'PCMU');
    const shuffled = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9];
    const one = read(mixer, 10, (frame) => push(mixer, shuffled[frame]!));
    const other = read(ordered, 10, (frame) => push(ordered, frame));
    assert.deepEqual(one, other);
  });

  it('is silent where a party is absent, and takes it up again when it speaks', () => {
    const mixer = new Mixer(['a', 'nobody'], null);
    const a = new Speaker(500);
    assert.ok(read(mixer, 5).every((sample) => sample === 0));
    const heard = read(mixer, 40, (frame) => {
      if (frame < 10 || frame >= 25) a.say(mixer, 'a');
      else a.pause();
    });
    const amplitudeOf = (from: number, to: number): number =>
      toneAmplitude(heard.slice(from * FRAME, to * FRAME), 500);
    assert.ok(amplitudeOf(3, 10) > 5000);
    assert.ok(heard.slice(13 * FRAME, 25 * FRAME).every((sample) => sample === 0));
    assert.ok(amplitudeOf(28, 40) > 5000);
  });

  it('follows a party that begins a new timeline, and one whose clock runs faster', () => {
    const mixer = new Mixer(['a'], null);
    const before = new Speaker(500);
    const after = new Speaker(500, 6000, 3_000_000_000);
    const heard = read(mixer, 20, (frame) => (frame < 10 ? before : after).say(mixer, 'a'));
    assert.ok(toneAmplitude(heard.slice(14 * FRAME), 500) > 5000);
    const fast = new Speaker(500);
    const drained = read(mixer, 25, () => {
      fast.say(mixer, 'a');
      fast.say(mixer, 'a');
    });
    assert.ok(toneAmplitude(drained.slice(20 * FRAME, 22 * FRAME), 500) > 1000);
  });

  it('keeps the parties that stay when another one joins', () => {
    const first = new Mixer(['a'], null);
    const a = new Speaker(500);
    read(first, 10, () => a.say(first, 'a'));
    const second = new Mixer(['a', 'b'], first);
    const heard = read(second, 4, () => a.say(second, 'a'));
    assert.ok(toneAmplitude(heard, 500) > 5500);
  });
});
