import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RelevoError } from '../../../src/common/errors.js';
import { melodySamples } from '../../../src/media/prompt/melody.js';
import { PromptPlayer, promptOfSamples } from '../../../src/media/prompt/prompt-audio.js';
import { Resampler } from '../../../src/media/prompt/resample.js';
import { readWav } from '../../../src/media/prompt/wav.js';
import { toneShare } from '../../../src/rtp/goertzel.js';
import { toneSamples } from '../../../src/rtp/tone.js';

describe('prompts', () => {
  for (const rate of [8000, 11_025, 16_000, 44_100, 48_000]) {
    it(`brings a tone at ${rate} Hz to 8 kHz`, () => {
      const resampler = new Resampler(toneSamples(1000, rate, 9000, rate), rate, 8000);
      while (!resampler.advance(500));
      assert.equal(resampler.output.length, 8000);
      assert.ok(toneShare(resampler.output.subarray(200, 7800), 1000) > 0.999);
    });
  }

  it('keeps what lies above the telephone band out of it', () => {
    const resampler = new Resampler(toneSamples(6000, 48_000, 9000, 48_000), 48_000, 8000);
    while (!resampler.advance(500));
    assert.ok(resampler.output.subarray(200, 7800).every((sample) => Math.abs(sample) < 100));
  });

  it('makes a melody that can be heard and loops without a click', () => {
    const melody = melodySamples();
    let steepest = 0;
    for (let i = 1; i < melody.length; i++)
      steepest = Math.max(steepest, Math.abs(melody[i]! - melody[i - 1]!));
    assert.ok(Math.abs(melody[0]! - melody.at(-1)!) <= steepest);
    for (let at = 0; at + 4000 <= melody.length; at += 4000) {
      assert.ok(
        melody.subarray(at, at + 4000).some((sample) => Math.abs(sample) > 800),
        `sound at ${at}`,
      );
    }
  });

  it('plays over the seam of a loop', () => {
    const player = new PromptPlayer(promptOfSamples(toneSamples(500, 240, 8000)), true);
    const out = Buffer.alloc(480);
    for (let i = 0; i < 3; i++) player.next(out, i * 160, 'PCMU');
    assert.deepEqual(out.subarray(0, 240), out.subarray(240));
    assert.equal(player.ended, false);
  });

  it('refuses broken WAV files with an error an operator can act on', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const file = Buffer.concat([Buffer.from('RIFF....WAVEfmt '), Buffer.from(bytes)]);
        try {
          readWav(file);
        } catch (error) {
          assert.ok(error instanceof RelevoError && error.code === 'prompt_file_format', String(error));
        }
      }),
    );
  });
});
