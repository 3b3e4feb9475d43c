import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PLANT } from './heap-probe.js';
import { KINDS } from './kinds.js';
import type { SoakReport } from './soak.js';

const TRANSFERS = Number(process.env['RELEVO_SOAK'] ?? 1000);

/** Bytes that a transfer may leave behind in a thread: noise of the compiler and the collector, and less than any one object of a call. */
const BOUND = 2000;

describe('transfers at load', function () {
  this.timeout(120_000 + TRANSFERS * 1000);

  it(`${TRANSFERS}, mixed methods and failures: each ends in its one result, nothing is left, memory is flat`, async () => {
    const report = await soak(['--transfers', String(TRANSFERS)]);
    const expected: Record<string, number> = {};
    for (let index = 0; index < TRANSFERS; index++) {
      const { outcome } = KINDS[index % KINDS.length]!;
      expected[outcome] = (expected[outcome] ?? 0) + 1;
    }
    assert.deepEqual(sortedByKey(report.outcomes), sortedByKey(expected));
    const { events, cdr, metrics } = report.accounts;
    assert.equal(events.count, TRANSFERS);
    assert.deepEqual(cdr, events);
    assert.deepEqual(metrics, { transfers: TRANSFERS, callsEnded: TRANSFERS });
    assert.deepEqual(report.left, []);

    const [first] = report.samples;
    const last = report.samples.at(-1);
    assert.ok(first && last);
    assert.ok(last.openFiles <= first.openFiles + 2, `${first.openFiles} files, then ${last.openFiles}`);
    for (const [name, count] of Object.entries(last.resources)) {
      const before = first.resources[name] ?? 0;
      assert.ok(count <= before + 2, `${name}: ${before}, then ${count}`);
    }
    console.log(`      bytes per transfer: ${JSON.stringify(report.growth)} in ${report.seconds} s`);
    for (const [thread, bytes] of Object.entries(report.growth))
      assert.ok(bytes < BOUND, `${thread} grows by ${bytes} bytes a transfer`);
  });

  it('a leak in one thread is seen', async () => {
    const report = await soak(['--transfers', '200', '--warm-up', '50', '--every', '50'], 'signalling');
    const { signalling = 0 } = report.growth;
    assert.ok(signalling > 5 * BOUND, `${signalling} bytes a transfer`);
  });
});

/** Runs a soak in a process of its own, with a leak in one thread where that is named. */
async function soak(args: readonly string[], leakIn = ''): Promise<SoakReport> {
  const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--import', here('./heap-probe.js'), here('./soak.js'), '--json', ...args],
    {
      timeout: 100_000 + TRANSFERS * 500,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, [PLANT]: leakIn },
    },
  );
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, out);
  return JSON.parse(out) as SoakReport;
}

const sortedByKey = (counts: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
