import assert from 'node:assert/strict';
import { RINGBACK_COUNTRIES } from '../../../src/common/ringback-country.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { PromptLibrary } from '../../../src/media/prompt/prompt-library.js';
import { RINGBACK, ringbackSamples } from '../../../src/media/prompt/ringback.js';
import { CallBench } from '../../support/call/call-bench.js';
import { makeProject } from '../../support/call/call-plan.js';

/** Share of the energy of a tone that one frequency has. */
function share(samples: Int16Array, frequencyHz: number): number {
  let [real, imaginary, energy] = [0, 0, 0];
  samples.forEach((sample, i) => {
    const angle = (2 * Math.PI * frequencyHz * i) / 8000;
    real += sample * Math.cos(angle);
    imaginary += sample * Math.sin(angle);
    energy += sample * sample;
  });
  return (2 * (real * real + imaginary * imaginary)) / (samples.length * energy);
}

describe('ringing tones (ITU-T E.180)', () => {
  it('have the frequencies and the cadence of their country', () => {
    const uk = ringbackSamples(RINGBACK.uk);
    assert.equal(uk.length, 3 * 8000);
    const sounding = [0.2, 0.5, 0.8, 2].map((s) => uk.subarray(s * 8000, s * 8000 + 80).some((x) => x !== 0));
    assert.deepEqual(sounding, [true, false, true, false]);
    const first = uk.subarray(0, 3200);
    assert.ok(share(first, 400) > 0.45 && share(first, 450) > 0.45 && share(first, 425) < 0.05);
    const us = ringbackSamples(RINGBACK.us);
    assert.equal(us.length, 6 * 8000);
    assert.ok(share(us.subarray(0, 16_000), 440) > 0.45 && share(us.subarray(0, 16_000), 480) > 0.45);
    const fr = ringbackSamples(RINGBACK.fr);
    assert.ok(share(fr.subarray(0, 12_000), 440) > 0.95 && fr.subarray(12_000).every((x) => x === 0));
  });

  it('are there for every country, as loud as each other, and never clip', () => {
    const library = new PromptLibrary();
    for (const country of RINGBACK_COUNTRIES) {
      assert.ok(library.ringback(country).audible, country);
      const peak = ringbackSamples(RINGBACK[country]).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      assert.ok(peak > 5500 && peak <= 6001, `${country} ${peak}`);
    }
    assert.equal(library.ringback(), library.ringback('co'));
  });

  it('are chosen by the project: `transfer.ringback`', () => {
    const project = makeProject();
    const transfer = { ...project.transfer, waiting: 'ringback', ringback: 'uk' } as const;
    const bench = new CallBench({ project: { ...project, transfer } }).withBot();
    bench.transfer({ method: 'invite' });
    const heard = bench.mediaCommands('hear', 'c1.1').map((one) => (one.kind === 'hear' ? one.source : null));
    assert.deepEqual(heard.at(-1), { kind: 'ringback', country: 'uk' });
  });

  it('of an unknown country are an error that names those there are', () => {
    const text = `
trunks: { carrier: { hosts: ["sip:127.0.0.1:9"] } }
bots: { bot: { kind: sip, uri: "sip:bot@127.0.0.1:5070" } }
projects:
  p: { match: [{ trunk: carrier, to: "1" }], bot: bot, transfer: { ringback: atlantis } }
`;
    const loaded = loadConfig({ text, path: 'x.yaml' }, { env: {}, checkExpression: () => null });
    assert.ok(!loaded.ok);
    const problem = loaded.problems.find(({ key }) => key === 'projects.p.transfer.ringback');
    assert.ok(problem && JSON.stringify(problem).includes('uk'));
  });
});
