import { BenchError } from '../common/bench-error.js';
import { pause } from '../common/child.js';
import { rounded, type BenchSettings, type Section } from '../common/figures.js';
import { BENCH_NUMBERS, benchPorts } from '../node/bench-config.js';
import { BenchNode } from '../node/bench-node.js';
import { startBot, startLoad } from './sipp-load.js';

const SET_UP_PER_SECOND = 150;

/** Memory of held calls: many calls set up, held, and released. */
export async function measureMemory(settings: BenchSettings): Promise<Section> {
  const ports = benchPorts(1);
  const calls = settings.quick ? 1000 : 3000;
  const node = await BenchNode.start(ports);
  const bot = await startBot(ports.bot);
  const common = { targetPort: ports.sip, callerPort: ports.caller, number: BENCH_NUMBERS.plain };
  try {
    // What the first calls load and compile is not memory of calls.
    const first = await startLoad({ ...common, callsPerSecond: 50, calls: 150, holdMs: 200 });
    await first.done;
    await node.callsReach((live) => live === 0, 10_000);
    await pause(1000);
    const before = node.residentMb();
    const setUpMs = (calls / SET_UP_PER_SECOND) * 1000;
    const load = await startLoad({
      ...common,
      callsPerSecond: SET_UP_PER_SECOND,
      calls,
      holdMs: setUpMs + 5000,
    });
    if (!(await node.callsReach((live) => live >= calls, setUpMs + 8000))) {
      await load.stop();
      throw new BenchError(
        'calls_not_held',
        `the node did not hold ${calls} calls: ${(await load.done).errors.slice(0, 500)}`,
        'Raise ulimit -n to at least four times the number of calls.',
      );
    }
    await pause(1000);
    const held = node.residentMb();
    settings.say(`memory: ${Math.round(before)} MB before, ${Math.round(held)} MB with ${calls} calls`);
    const result = await load.done;
    await node.callsReach((live) => live === 0, 15_000);
    await pause(2000);
    const after = node.residentMb();
    settings.say(`memory: ${Math.round(after)} MB after, ${result.failed} calls failed`);
    return {
      name: 'memory',
      title: `memory of ${calls} held calls, two legs each, with their RTP ports`,
      figures: [
        {
          id: 'memory.before',
          label: 'before',
          value: Math.round(before),
          unit: 'MB',
          meaning: 'resident, after a few calls',
        },
        {
          id: 'memory.held',
          label: `with ${calls} calls`,
          value: Math.round(held),
          unit: 'MB',
          meaning: 'resident',
        },
        {
          id: 'memory.per_1000_calls',
          label: 'per 1,000 calls',
          value: rounded(((held - before) / calls) * 1000, 1),
          unit: 'MB',
          meaning: 'growth of resident memory of the whole node, garbage not yet collected included',
          bar: 'drachtio-server and its application: 38, without media',
        },
        {
          id: 'memory.after',
          label: 'after release',
          value: Math.round(after),
          unit: 'MB',
          meaning: 'resident, two seconds after the last call ended',
        },
      ],
      notes: result.failed > 0 ? [`${result.failed} of ${calls} calls failed.`] : [],
      problem: null,
    };
  } finally {
    await bot.stop();
    await node.close();
  }
}
