import assert from 'node:assert/strict';
import { DtmfDetector } from '../../../src/rtp/dtmf-detector.js';
import { tonesOf } from '../../../src/rtp/dtmf-tones.js';
import { encodeG711, ULAW_TO_LINEAR } from '../../../src/rtp/g711.js';

const RATE = 8000;
const ALL = '123A456B789C*0#D';

interface ToneOptions {
  readonly ms?: number;
  readonly low?: number;
  readonly high?: number;
  /** Relative error of both frequencies. */
  readonly off?: number;
  readonly noise?: number;
}

/** Repeatable noise in -1..1. */
function noiseSource(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state / 0x3fffffff - 1;
  };
}

function press(
  key: string,
  { ms = 60, low = 6000, high = 6000, off = 0, noise = 0 }: ToneOptions = {},
): Int16Array {
  const [f1, f2] = tonesOf(key)!;
  const random = noiseSource();
  return Int16Array.from({ length: (RATE * ms) / 1000 }, (_, at) => {
    const angle = (2 * Math.PI * at * (1 + off)) / RATE;
    return low * Math.sin(angle * f1) + high * Math.sin(angle * f2) + noise * random();
  });
}

const pause = (ms = 60): Int16Array => new Int16Array((RATE * ms) / 1000);

function detect(...pieces: readonly Int16Array[]): string {
  let keys = '';
  const detector = new DtmfDetector((key) => (keys += key));
  for (const piece of [...pieces, pause(100)]) {
    const codes = encodeG711(piece, 'PCMU');
    for (let at = 0; at < codes.length; at += 160) {
      detector.push(codes, at, Math.min(at + 160, codes.length), ULAW_TO_LINEAR);
    }
  }
  return keys;
}

describe('DTMF in the audio (ITU-T Q.23, Q.24)', () => {
  it('finds all sixteen keys, each once', () => {
    assert.equal(detect(...Array.from(ALL).flatMap((key) => [press(key), pause()])), ALL);
  });

  it('tells presses of the same key apart', () => {
    assert.equal(detect(press('5'), pause(40), press('5'), pause(40), press('5')), '555');
  });

  it('takes presses of 45 ms at whatever moment they begin, and none of 18 ms', () => {
    for (let shift = 0; shift < 102; shift += 17) {
      const lead = new Int16Array(shift);
      assert.equal(detect(lead, press('7', { ms: 45 })), '7', `shift ${shift}`);
      assert.equal(detect(lead, press('7', { ms: 18 })), '', `shift ${shift}`);
    }
  });

  it('takes a frequency error of 1.5 % and refuses one of 3.5 %', () => {
    for (const key of ALL) {
      for (const off of [-0.015, 0.015]) assert.equal(detect(press(key, { off })), key, `${key} ${off}`);
      for (const off of [-0.035, 0.035]) assert.equal(detect(press(key, { off })), '', `${key} ${off}`);
    }
  });

  it('takes twist within its bounds and refuses it beyond', () => {
    assert.equal(detect(press('1', { low: 6000, high: 6000 * 10 ** (3.5 / 20) })), '1');
    assert.equal(detect(press('1', { low: 6000, high: 6000 * 10 ** (-7 / 20) })), '1');
    assert.equal(detect(press('1', { low: 4000, high: 4000 * 10 ** (6 / 20) })), '');
    assert.equal(detect(press('1', { low: 6000, high: 6000 * 10 ** (-11 / 20) })), '');
  });

  it('hears a faint press, and one in noise, and no whisper', () => {
    assert.equal(detect(press('9', { low: 400, high: 400 })), '9');
    assert.equal(detect(press('9', { noise: 2500 })), '9');
    assert.equal(detect(press('9', { low: 60, high: 60 })), '');
  });

  it('joins a press with a break of 10 ms', () => {
    assert.equal(detect(press('3', { ms: 60 }), pause(8), press('3', { ms: 60 })), '3');
  });

  it('is not talked off by voices, music and noise', () => {
    const random = noiseSource(9);
    const voice = Int16Array.from({ length: RATE * 60 }, (_, at) => {
      // A gliding pitch with its harmonics under moving formants, and breath.
      const pitch = 130 + 70 * Math.sin(at / 2900) + 20 * Math.sin(at / 410);
      let sum = 0;
      for (let harmonic = 1; harmonic <= 20; harmonic++) {
        const hz = pitch * harmonic;
        const formant = 1 / (1 + ((hz - 700 - 300 * Math.sin(at / 5100)) / 220) ** 2);
        const second = 1 / (1 + ((hz - 1400 - 400 * Math.cos(at / 3700)) / 260) ** 2);
        sum += (formant + second) * Math.sin((2 * Math.PI * hz * at) / RATE + harmonic);
      }
      return 4000 * sum + 300 * random();
    });
    assert.equal(detect(voice), '');
    const noise = Int16Array.from({ length: RATE * 20 }, () => 8000 * random());
    assert.equal(detect(noise), '');
    const chord = Int16Array.from({ length: RATE * 5 }, (_, at) => {
      const angle = (2 * Math.PI * at) / RATE;
      return [440, 697, 880, 1209, 1318].reduce((sum, hz) => sum + 3000 * Math.sin(angle * hz), 0);
    });
    assert.equal(detect(chord), '');
  });
});
