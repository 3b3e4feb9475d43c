import assert from 'node:assert/strict';
import { melody, tone } from '../../../src/demo/audio/audio-source.js';
import { decodeG711, encodeG711 } from '../../../src/demo/audio/g711.js';
import { tonesIn } from '../../../src/demo/audio/goertzel.js';
import { Hearing } from '../../../src/demo/audio/hearing.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const samplesOf = (hz: number, count = 1600): Int16Array => {
  const samples = new Int16Array(count);
  tone(hz).fill(samples);
  return samples;
};

describe('demonstration audio', () => {
  for (const law of ['PCMU', 'PCMA'] as const) {
    it(`${law}: every octet decodes to a value that encodes to it again`, () => {
      for (let octet = 0; octet < 256; octet++) {
        const linear = decodeG711(law, Buffer.from([octet]));
        const again = decodeG711(law, encodeG711(law, linear));
        assert.equal(again[0], linear[0], `octet ${octet}`);
      }
    });
    it(`${law}: linear samples survive within the coder's step`, () => {
      for (let sample = -32000; sample <= 32000; sample += 37) {
        const back = decodeG711(law, encodeG711(law, Int16Array.of(sample)))[0]!;
        assert.ok(Math.abs(back - sample) <= Math.max(16, Math.abs(sample) / 16), `${sample} became ${back}`);
      }
    });
  }

  it('G.711 silence and full scale have the values that the standard prints', () => {
    assert.deepEqual([...encodeG711('PCMU', Int16Array.of(0, 32767, -32768))], [0xff, 0x80, 0x00]);
    assert.deepEqual([...encodeG711('PCMA', Int16Array.of(0, 32767, -32768))], [0xd5, 0xaa, 0x2a]);
  });

  it('names the frequency of a tone within 5 Hz, after G.711', () => {
    for (let hz = 300; hz <= 3300; hz += 45) {
      const heard = tonesIn(decodeG711('PCMA', encodeG711('PCMA', samplesOf(hz))));
      assert.equal(heard.length, 1, `${hz} Hz was heard as ${heard.join()}`);
      assert.ok(Math.abs(heard[0]! - hz) <= 5, `${hz} Hz was heard as ${heard[0]!}`);
    }
  });

  it('hears two tones at once, and none in silence', () => {
    const mixed = samplesOf(600).map((sample, i) => sample / 2 + samplesOf(1100)[i]! / 2);
    assert.deepEqual(
      tonesIn(mixed).sort((a, b) => a - b),
      [600, 1100],
    );
    assert.deepEqual(tonesIn(new Int16Array(1600)), []);
  });

  it('plays a melody note by note, then its refrain', () => {
    const source = melody([{ hz: 600, ms: 200 }], [{ hz: 900, ms: 200 }]);
    const heard = [1, 2, 3].map(() => {
      const samples = new Int16Array(1600);
      source.fill(samples);
      return tonesIn(samples);
    });
    assert.deepEqual(heard, [[600], [900], [900]]);
  });
});

describe('what a user agent hears', () => {
  const play = (clock: VirtualClock, hearing: Hearing, hz: number, ms: number): void => {
    const source = tone(hz);
    for (let at = 0; at < ms; at += 20) {
      const samples = new Int16Array(160);
      source.fill(samples);
      hearing.receive(samples);
      clock.advance(20);
    }
  };

  it('tells which tone was heard when', () => {
    const clock = new VirtualClock();
    const hearing = new Hearing(clock);
    const start = clock.now();
    play(clock, hearing, 440, 600);
    play(clock, hearing, 880, 400);
    assert.deepEqual(
      hearing.heard().map(({ hz, fromMs, toMs }) => [hz, fromMs - start, toMs - start]),
      [
        [440, 0, 580],
        [880, 600, 980],
      ],
    );
    assert.ok(hearing.hasHeard(440) && !hearing.hasHeard(440, start + 600));
  });

  it('measures the longest silence to within a packet', () => {
    const clock = new VirtualClock();
    const hearing = new Hearing(clock);
    play(clock, hearing, 440, 200);
    clock.advance(300);
    play(clock, hearing, 440, 200);
    const measured = hearing.longestSilenceMs();
    assert.ok(measured >= 300 && measured <= 340, String(measured));
  });

  it('fails a wait for a tone with what was heard instead', async () => {
    const clock = new VirtualClock();
    const hearing = new Hearing(clock);
    const waiting = hearing.hears(880, { withinMs: 500 });
    play(clock, hearing, 440, 600);
    await assert.rejects(waiting, /did not hear 880 Hz: 500 ms passed; heard 440 Hz for/);
  });

  it('tells when a tone has stopped, whether another follows or nothing', async () => {
    const clock = new VirtualClock();
    const hearing = new Hearing(clock);
    play(clock, hearing, 440, 400);
    const stopped = hearing.stopsHearing(440, { withinMs: 2000, forMs: 400 });
    play(clock, hearing, 880, 200);
    clock.advance(300);
    await stopped;
    const goesOn = hearing.stopsHearing(880, { withinMs: 600, forMs: 400 });
    play(clock, hearing, 880, 800);
    await assert.rejects(goesOn, /did not stop hearing 880 Hz/);
  });

  it('ends every wait when the media session ends', async () => {
    const hearing = new Hearing(new VirtualClock());
    const waiting = hearing.hears(440, { withinMs: 1000 });
    hearing.close();
    await assert.rejects(waiting, /the media session ended/);
    await assert.rejects(hearing.hears(440, { withinMs: 1000 }), /the media session ended/);
  });
});
