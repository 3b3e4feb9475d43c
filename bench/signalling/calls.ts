import { BenchError } from '../common/bench-error.js';
import { pause } from '../common/child.js';
import { rounded, type BenchSettings, type Figure, type Section } from '../common/figures.js';
import { BENCH_NUMBERS, benchPorts } from '../node/bench-config.js';
import { BenchNode } from '../node/bench-node.js';
import { cpuUsed } from '../node/node-threads.js';
import { startBot, startLoad } from './sipp-load.js';

const HOLD_MS = 500;
/** A step counts when SIPp placed at least this share of the rate: with no core left for it, it falls behind. */
const PLACED_SHARE = 0.95;
const QUICK_RATES = [100, 300];
const FULL_RATES = [200, 400, 600, 800, 900, 1000, 1100, 1200, 1350, 1500, 1700];

/** One rate held for a while. */
interface CallsStep {
  readonly callsPerSecond: number;
  readonly calls: number;
  /** What SIPp managed to place. */
  readonly placedPerSecond: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** Share of a core that each thread of the node took. */
  readonly threads: Readonly<Record<string, number>>;
  /** CPU time of each thread per call (ms). */
  readonly cpuMsPerCall: Readonly<Record<string, number>>;
  readonly sippCore: number;
  readonly residentMb: number;
  readonly errors: string;
}

/** Nothing failed, and SIPp really placed the calls at the rate. */
function isClean({ failed, placedPerSecond, callsPerSecond }: CallsStep): boolean {
  return failed === 0 && placedPerSecond >= callsPerSecond * PLACED_SHARE;
}

/** Calls per second through the whole node without a failed call. */
export async function measureCalls(settings: BenchSettings): Promise<Section> {
  const ports = benchPorts(0);
  const seconds = settings.seconds ?? (settings.quick ? 4 : 10);
  const rates = settings.quick ? QUICK_RATES : FULL_RATES;
  const node = await BenchNode.start(ports);
  const bot = await startBot(ports.bot);
  const steps: CallsStep[] = [];
  const rssBefore = node.residentMb();
  let clean = false;
  try {
    for (const rate of [20, ...rates]) {
      // The first, slow rate only warms the code up; a rate that failed is tried once more.
      for (let tries = 0; tries < 2; tries++) {
        const step = await hold(node, rate, rate === 20 ? 2 : seconds);
        settings.say(`calls: ${describe(step)}`);
        if (rate === 20 && step.failed === step.calls) throw noCalls(step, node);
        if (rate !== 20) steps.push(step);
        clean = isClean(step);
        if (clean || rate === 20) break;
        await node.callsReach((live) => live === 0, 15_000);
      }
      if (!clean && rate !== 20) break;
    }
    await node.callsReach((live) => live === 0, 15_000);
    await pause(1000);
    return section(steps, seconds, rssBefore, node.residentMb());
  } finally {
    await bot.stop();
    await node.close();
  }
}

async function hold(node: BenchNode, callsPerSecond: number, seconds: number): Promise<CallsStep> {
  const { ports } = node;
  const calls = Math.round(callsPerSecond * seconds);
  const before = node.cpu();
  const startedAt = performance.now();
  const load = await startLoad({
    targetPort: ports.sip,
    callerPort: ports.caller,
    number: BENCH_NUMBERS.plain,
    callsPerSecond,
    calls,
    holdMs: HOLD_MS,
  });
  const result = await load.done;
  const tookS = (performance.now() - startedAt) / 1000;
  const cpu = cpuUsed(before, node.cpu());
  return {
    callsPerSecond,
    calls,
    placedPerSecond: rounded(calls / Math.max(0.1, result.elapsedS - HOLD_MS / 1000), 1),
    failed: result.failed,
    retransmissions: result.retransmissions,
    threads: Object.fromEntries(
      Object.entries(cpu).map(([thread, ms]) => [thread, rounded(ms / 1000 / tookS, 3)]),
    ),
    cpuMsPerCall: Object.fromEntries(
      Object.entries(cpu).map(([thread, ms]) => [thread, rounded(ms / calls, 3)]),
    ),
    sippCore: rounded(result.cpuMs / 1000 / tookS),
    residentMb: Math.round(node.residentMb()),
    errors: result.errors,
  };
}

function noCalls(step: CallsStep, node: BenchNode): BenchError {
  return new BenchError(
    'no_call_succeeded',
    `not one call went through the node: ${step.errors.slice(0, 800)} ${node.output().slice(-400)}`,
    'See whether a single call works: npm run demo.',
  );
}

function describe(step: CallsStep): string {
  const threads = Object.entries(step.threads).map(
    ([thread, share]) => `${thread} ${Math.round(share * 100)} %`,
  );
  return (
    `${step.callsPerSecond}/s (${step.placedPerSecond} placed): ${step.failed} of ${step.calls} failed, ${step.retransmissions} retransmitted; ` +
    `${threads.join(', ')}, SIPp caller ${Math.round(step.sippCore * 100)} %; ${step.residentMb} MB`
  );
}

function section(steps: readonly CallsStep[], seconds: number, rssBefore: number, rssAfter: number): Section {
  const best = steps.filter(isClean).at(-1) ?? null;
  const last = steps.at(-1);
  const figures: Figure[] = [
    {
      id: 'calls.per_second',
      label: 'calls per second, none failed',
      value: best?.callsPerSecond ?? 0,
      unit: '/s',
      bar: '≥ 1350 (1.5 × drachtio-server)',
      meaning: 'INVITE, 180, 200, ACK, 0.5 s, BYE through both legs, with media ports and a policy thread',
    },
    ...Object.entries(best?.threads ?? {}).map(([thread, share]): Figure => ({
      id: `calls.core.${thread}`,
      label: `${thread} thread there`,
      value: rounded(share * 100, 1),
      unit: '% core',
      meaning: 'CPU time of the thread, user and system',
    })),
  ];
  if (best) {
    const total = Object.values(best.cpuMsPerCall).reduce((sum, ms) => sum + ms, 0);
    figures.push(
      {
        id: 'calls.engine_cpu_per_call',
        label: 'engine CPU per call',
        value: best.cpuMsPerCall['engine'] ?? null,
        unit: 'ms',
        bar: '< 1.15',
        meaning: 'the engine thread alone, as drachtio-server stands against it',
      },
      {
        id: 'calls.cpu_per_call',
        label: 'node CPU per call',
        value: rounded(total, 3),
        unit: 'ms',
        meaning: 'all threads of the node',
      },
    );
  }
  figures.push(
    {
      id: 'calls.rss_before',
      label: 'memory before',
      value: Math.round(rssBefore),
      unit: 'MB',
      meaning: 'resident',
    },
    {
      id: 'calls.rss_after',
      label: 'memory after',
      value: Math.round(rssAfter),
      unit: 'MB',
      meaning: 'resident, one second after the last of all the calls ended',
    },
  );
  const notes = [
    `Load: SIPp on the same machine, UDP on loopback, ${seconds} s per rate, ${HOLD_MS} ms of hold.`,
    last && !isClean(last)
      ? `${last.callsPerSecond}/s was too much: ${last.failed} of ${last.calls} calls failed, ${last.retransmissions} retransmissions, SIPp placed ${last.placedPerSecond}/s.`
      : 'The highest rate tried was still clean.',
  ];
  return {
    name: 'calls',
    title: 'calls per second through the whole node',
    figures,
    notes,
    steps,
    problem: null,
  };
}
