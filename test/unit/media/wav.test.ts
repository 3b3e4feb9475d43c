import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PromptPlayer, promptOfSamples } from '../../../src/media/prompt/prompt-audio.js';
import { Resampler } from '../../../src/media/prompt/resample.js';
import { readWav, WavDecoder } from '../../../src/media/prompt/wav.js';
import { RelevoError } from '../../../src/common/errors.js';
import { ALAW_TO_LINEAR, encodeG711, ULAW_TO_LINEAR } from '../../../src/rtp/g711.js';
import { toneShare } from '../../../src/rtp/goertzel.js';

const TAIL = Buffer.from('000000001000800000aa00389b71', 'hex');

interface Layout {
  readonly code: number;
  readonly bits: number;
  readonly channels?: number;
  readonly rate?: number;
  readonly extensible?: boolean;
  readonly tail?: Buffer;
  /** What the data chunk says of its length. */
  readonly says?: number;
}

/** A WAV file by hand, with a chunk of odd length before the audio. */
function wavOf(data: Buffer, layout: Layout): Buffer {
  const { code, bits, channels = 1, rate = 8000, extensible = false, tail = TAIL } = layout;
  const format = Buffer.alloc(extensible ? 40 : 16);
  format.writeUInt16LE(extensible ? 0xfffe : code, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rate, 4);
  format.writeUInt32LE((rate * channels * bits) / 8, 8);
  format.writeUInt16LE((channels * bits) / 8, 12);
  format.writeUInt16LE(bits, 14);
  if (extensible) {
    format.writeUInt16LE(22, 16);
    format.writeUInt16LE(bits, 18);
    format.writeUInt16LE(code, 24);
    tail.copy(format, 26);
  }
  const chunk = (id: string, body: Buffer, says = body.length): Buffer => {
    const head = Buffer.alloc(8);
    head.write(id, 'latin1');
    head.writeUInt32LE(says, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
  };
  const body = Buffer.concat([
    Buffer.from('WAVE'),
    chunk('fmt ', format),
    chunk('LIST', Buffer.from('odd')),
    chunk('data', data, layout.says),
  ]);
  const head = Buffer.alloc(8);
  head.write('RIFF', 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}

/** Samples between -1 and 1, written one behind the other. */
function written(
  values: readonly number[],
  bytes: number,
  write: (to: Buffer, value: number) => void,
): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const one = Buffer.alloc(bytes);
      write(one, value);
      return one;
    }),
  );
}

const VALUES = [0, 0.25, 0.5, -0.5, -1, 0.999] as const;
const FORMATS: readonly (readonly [name: string, layout: Layout, data: Buffer])[] = [
  [
    '8-bit PCM',
    { code: 1, bits: 8 },
    written(VALUES, 1, (to, v) => to.writeUInt8(Math.round(128 + v * 127))),
  ],
  [
    '16-bit PCM',
    { code: 1, bits: 16 },
    written(VALUES, 2, (to, v) => to.writeInt16LE(Math.round(v * 32_767))),
  ],
  [
    '24-bit PCM',
    { code: 1, bits: 24 },
    written(VALUES, 3, (to, v) => to.writeIntLE(Math.round(v * 8_388_607), 0, 3)),
  ],
  [
    '32-bit PCM',
    { code: 1, bits: 32 },
    written(VALUES, 4, (to, v) => to.writeInt32LE(Math.round(v * 2_147_483_647))),
  ],
  ['32-bit float', { code: 3, bits: 32 }, written(VALUES, 4, (to, v) => to.writeFloatLE(v))],
  ['64-bit float', { code: 3, bits: 64 }, written(VALUES, 8, (to, v) => to.writeDoubleLE(v))],
];

describe('WAV files', () => {
  for (const [name, layout, data] of FORMATS) {
    for (const extensible of [false, true]) {
      it(`are read as ${name}${extensible ? ' with an extensible header' : ''}`, () => {
        const { samples, sampleRate } = readWav(wavOf(data, { ...layout, extensible, rate: 44_100 }));
        assert.equal(sampleRate, 44_100);
        const coarse = layout.bits === 8 ? 300 : 2;
        VALUES.forEach((value, at) => {
          assert.ok(Math.abs(samples[at]! - value * 32_767) <= coarse, `${samples[at]} for ${value}`);
        });
      });
    }
  }

  it('are read as A-law and µ-law', () => {
    const codes = Buffer.from([0, 0x55, 0xd5, 0xff, 0x80]);
    assert.deepEqual(
      [...readWav(wavOf(codes, { code: 6, bits: 8 })).samples],
      [...codes].map((c) => ALAW_TO_LINEAR[c]),
    );
    assert.deepEqual(
      [...readWav(wavOf(codes, { code: 7, bits: 8 })).samples],
      [...codes].map((c) => ULAW_TO_LINEAR[c]),
    );
  });

  it('with several channels are mixed to one, in the full depth of each', () => {
    const data = written([0.5, -0.25, 1, 1, -1, 0.5], 3, (to, v) =>
      to.writeIntLE(Math.round(v * 8_388_607), 0, 3),
    );
    const { samples } = readWav(wavOf(data, { code: 1, bits: 24, channels: 2 }));
    assert.deepEqual(
      [...samples].map((sample) => Math.round(sample / 100)),
      [41, 328, -82],
    );
  });

  it('that hold no numbers, or too great ones, are silent and clipped there', () => {
    const data = written([Number.NaN, Infinity, -7], 4, (to, v) => to.writeFloatLE(v));
    assert.deepEqual([...readWav(wavOf(data, { code: 3, bits: 32 })).samples], [0, 32_767, -32_767]);
  });

  it('that were written into a pipe, or cut off, are read as far as they go', () => {
    const whole = wavOf(Buffer.alloc(400, 1), { code: 1, bits: 16, says: 0xffffffff });
    assert.equal(readWav(whole).samples.length, 200);
    assert.equal(readWav(whole.subarray(0, whole.length - 101)).samples.length, 149);
  });

  for (const [what, file] of [
    ['12 bits', wavOf(Buffer.alloc(8), { code: 1, bits: 12 })],
    ['ADPCM', wavOf(Buffer.alloc(8), { code: 2, bits: 4 })],
    [
      'an unknown sub-format',
      wavOf(Buffer.alloc(8), { code: 1, bits: 16, extensible: true, tail: Buffer.alloc(14) }),
    ],
    ['nine channels', wavOf(Buffer.alloc(36), { code: 1, bits: 16, channels: 9 })],
    ['2 kHz', wavOf(Buffer.alloc(8), { code: 1, bits: 16, rate: 2000 })],
  ] as const) {
    it(`are refused with ${what}`, () => {
      assert.throws(
        () => readWav(file),
        (error) => error instanceof RelevoError && error.code === 'prompt_file_format',
      );
    });
  }

  it('give the same in pieces as at once', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 1, max: 50 }), (bytes, piece) => {
        const file = wavOf(Buffer.from(bytes), { code: 1, bits: 24, channels: 2 });
        const decoder = new WavDecoder(file);
        while (!decoder.advance(piece));
        assert.deepEqual(decoder.samples, readWav(file).samples);
      }),
    );
  });
});

describe('music on hold from a file', () => {
  /** A tone of a whole number of periods, which loops without a click. */
  const loop = (frequencyHz: number, rate: number, periods: number): Int16Array =>
    Int16Array.from({ length: Math.round((rate / frequencyHz) * periods) }, (_, at) =>
      Math.round(9000 * Math.sin((2 * Math.PI * periods * at) / Math.round((rate / frequencyHz) * periods))),
    );

  for (const rate of [8000, 11_025, 16_000, 22_050, 44_100, 48_000]) {
    it(`at ${rate} Hz goes on over the seam as within the file`, () => {
      const input = loop(997, rate, 500);
      const resampler = new Resampler(input, rate, 8000);
      while (!resampler.advance(1000));
      const { output } = resampler;
      // A sine is told by its neighbours: x[n+1] = 2 cos(w) x[n] - x[n-1]; a click breaks that.
      const twoCos = 2 * Math.cos((2 * Math.PI * 500) / output.length);
      const at = (n: number): number => output[((n % output.length) + output.length) % output.length]!;
      let worst = 0;
      for (let n = -30; n < 30; n++)
        worst = Math.max(worst, Math.abs(at(n + 1) - twoCos * at(n) + at(n - 1)));
      assert.ok(worst <= 4, `${worst} at the seam`);
      const player = new PromptPlayer(promptOfSamples(output), true);
      const frames = Math.ceil((2 * output.length) / 160);
      const played = Buffer.alloc(frames * 160);
      for (let frame = 0; frame < frames; frame++) player.next(played, frame * 160, 'PCMU');
      const expected = encodeG711(output, 'PCMU');
      for (let n = 0; n < 2 * output.length; n++) assert.equal(played[n], expected[n % output.length]);
      const seam = Int16Array.from({ length: 800 }, (_, n) => at(n - 400));
      assert.ok(toneShare(seam, (8000 * 500) / output.length) > 0.999);
    });
  }
});
