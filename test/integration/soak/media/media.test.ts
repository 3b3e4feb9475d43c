import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Ledger } from './ledger.js';
import { faultsOf, growthPerCall, type Judged, type MediaSoakReport, type Reading } from './verdict.js';
import { linear, markOf, moreThanTwo, Voice } from './voice.js';

/** What every soak must have had, or it has shown nothing of it. */
const HAD = [
  'handed over: music',
  'handed over: ringback',
  'handed over: consulted',
  'handed over: three',
  'ended: caller vanishes',
  'holds',
  'digits as event to event',
  'digits as event to tones',
  'digits as event to info',
  'digits as info to event',
  'digits as tones to event',
  'mixes looked into',
  'recordings checked',
  'reports heard',
  'thrown by strangers',
  'lost on purpose',
  'talked on after BYE',
];

describe('media at load', function () {
  this.timeout(400_000);

  it('two minutes of calls with audio: everybody hears the right party, nothing is missing, nothing is left', async () => {
    const report = await soak(['--minutes', '2', '--calls', '40']);
    const { failed, faults, losses, counts } = report;
    assert.deepEqual(
      { failed, faults, losses: failed.length > 0 ? losses : [] },
      { failed: [], faults: [], losses: [] },
    );
    assert.deepEqual(
      HAD.filter((what) => (counts[what] ?? 0) === 0),
      [],
      'did not happen at all',
    );
    console.log(
      `      bytes per call: ${JSON.stringify(report.growth)}, ${report.calls} calls in ${report.seconds} s`,
    );
  });
});

describe('the verdict on a media soak', () => {
  const steady = (callsEnded: number): Reading => ({
    callsEnded,
    seconds: callsEnded,
    callsUp: 60,
    legs: 200,
    portsInUse: 200,
    rtpPorts: 200,
    drops: 0,
    cpuMs: 0,
    heapBytes: { media: 10_000_000, control: 30_000_000 + (callsEnded % 3) * 10_000 },
    resources: { 'media Timeout': 2 },
    rssBytes: 200_000_000,
    openFiles: 300,
  });
  const over: Reading = { ...steady(1000), callsUp: 0, legs: 0, portsInUse: 0, rtpPorts: 0, openFiles: 50 };
  const run = (more: Partial<Judged> = {}): readonly string[] => {
    const samples = more.samples ?? Array.from({ length: 20 }, (_, at) => steady(200 + at * 40));
    return faultsOf({
      ledger: new Ledger(),
      packets: { lost: 0, kernelDrops: 0 },
      base: { ...over, callsEnded: 0 },
      samples,
      end: over,
      growth: growthPerCall(samples),
      held: [],
      recordings: { begun: 0, failed: 0, missing: 0, open: 0 },
      ...more,
    });
  };

  it('is good where nothing grows', () => {
    assert.deepEqual(run(), []);
  });

  for (const [what, more, words] of [
    [
      '10 kB of each call are kept',
      {
        samples: Array.from({ length: 20 }, (_, at) => {
          const reading = steady(200 + at * 40);
          return { ...reading, heapBytes: { ...reading.heapBytes, media: 10_000_000 + at * 400_000 } };
        }),
      },
      /media grows by 10000 bytes/,
    ],
    ['descriptors are kept', { end: { ...over, openFiles: 60 } }, /50 descriptors before, 60/],
    ['ports stay bound', { end: { ...over, rtpPorts: 2 } }, /2 RTP ports/],
    ['timers stay', { end: { ...over, resources: { 'media Timeout': 30 } } }, /media Timeout: 2 before, 30/],
    ['packets are lost', { packets: { lost: 3, kernelDrops: 1 } }, /3 packets lost/],
    ['a gauge is not 0', { held: ['relevo_legs{side="caller"} 1'] }, /relevo_legs/],
    [
      'a recording is missing',
      { recordings: { begun: 1, failed: 0, missing: 1, open: 0 } },
      /recordings: 1 begun, 0 found/,
    ],
  ] as const) {
    it(`is bad where ${what}`, () => {
      const failed = run(more);
      assert.equal(failed.length, 1, failed.join('; '));
      assert.match(failed[0]!, words);
    });
  }

  it('excuses as many missing packets as the kernel dropped', () => {
    assert.deepEqual(run({ packets: { lost: 3, kernelDrops: 3 } }), []);
  });
});

describe('voices of a media soak', () => {
  const [caller, bot, agent] = (['caller', 'bot', 'agent'] as const).map((role) => new Voice(7, role));

  it('are read in either law, and not out of a mix', () => {
    for (const law of ['PCMA', 'PCMU'] as const) {
      const mark = { call: 7, role: 'bot', sequence: 65_535, timestamp: 4_294_967_295 };
      assert.deepEqual(markOf(bot!.payload(65_535, 4_294_967_295, law)), mark);
    }
    const sum = mixOf(bot!, agent!);
    assert.equal(markOf(Buffer.from(Uint8Array.from(sum, (sample) => (sample > 0 ? 0xd5 : 0x55)))), null);
  });

  it('are found in a mix of two, and a third one is noticed', () => {
    const two = mixOf(bot!, agent!);
    assert.deepEqual([bot!.isIn(two), agent!.isIn(two), caller!.isIn(two)], [true, true, false]);
    assert.equal(moreThanTwo(two), false);
    assert.equal(moreThanTwo(mixOf(bot!, agent!, caller!)), true);
    assert.equal(new Voice(8, 'bot').isIn(two), false);
  });

  /** Two packets of each, one upon the other. */
  function mixOf(...voices: readonly Voice[]): Int16Array {
    const sounds = voices.map((voice) =>
      [1, 2].flatMap((sequence) => [...linear(voice.payload(sequence, sequence * 160, 'PCMA'), 'PCMA')]),
    );
    return Int16Array.from({ length: 320 }, (_, at) => sounds.reduce((sum, sound) => sum + sound[at]!, 0));
  }
});

async function soak(args: readonly string[]): Promise<MediaSoakReport> {
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', fileURLToPath(new URL('./soak-media.js', import.meta.url)), '--json', ...args],
    { timeout: 380_000, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  await once(child, 'close');
  return JSON.parse(out) as MediaSoakReport;
}
