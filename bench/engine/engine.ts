import { BenchError } from '../common/bench-error.js';
import { pause } from '../common/child.js';
import { rounded, type BenchSettings, type Figure, type Section } from '../common/figures.js';
import { benchPorts } from '../node/bench-config.js';
import { startBot, startLoad, type LoadResult } from '../signalling/sipp-load.js';
import { EngineUnderTest } from './engine-under-test.js';
import { measureMessageRates, type MessageRates } from './message-rates.js';

const HOLD_MS = 500;
const PLACED_SHARE = 0.95;
const QUICK_RATES = [300];
const FULL_RATES = [300, 600, 900, 1100, 1350, 1500, 1700, 1900];
const NUMBER = '1000';
/** Drachtio-server's own, with the smallest B2BUA, on two such cores. */
const DRACHTIO = { cpuMs: 1.15, memoryKb: 23 };

interface EngineStep {
  readonly callsPerSecond: number;
  readonly calls: number;
  readonly placedPerSecond: number;
  readonly failed: number;
  readonly retransmissions: number;
  readonly engineMsPerCall: number;
  readonly applicationMsPerCall: number;
  readonly sippMsPerCall: number;
  readonly engineMb: number;
  readonly applicationMb: number;
  readonly errors: string;
}

interface Overload {
  readonly offeredPerSecond: number;
  readonly calls: number;
  readonly shed: number;
  readonly answered: number;
  readonly completed: number;
  readonly unanswered: number;
  readonly retransmissions: number;
}

interface Held {
  readonly calls: number;
  readonly engineKb: number;
  readonly applicationKb: number;
}

/** The engine alone: parser, transactions, and an eight-line B2BUA of drachtio-srf in a process of its own. */
export async function measureEngine(settings: BenchSettings): Promise<Section> {
  const { quick, say } = settings;
  const seconds = settings.seconds ?? (quick ? 4 : 10);
  const ports = benchPorts(5);
  const rates = measureMessageRates(quick ? 500 : 2000);
  say(
    `engine: ${Math.round(rates.parsedPerS)} messages parsed, ${Math.round(rates.serializedPerS)} written per s`,
  );
  const bot = await startBot(ports.bot);
  const engine = await EngineUnderTest.start(ports.sip, ports.api, ports.bot);
  const place = (callsPerSecond: number, calls: number, holdMs: number, scenario?: string) =>
    startLoad({
      targetPort: ports.sip,
      callerPort: ports.caller,
      number: NUMBER,
      callsPerSecond,
      calls,
      holdMs,
      ...(scenario === undefined ? {} : { scenario }),
    });
  try {
    const steps: EngineStep[] = [];
    for (const rate of [20, ...(quick ? QUICK_RATES : FULL_RATES)]) {
      let clean = false;
      for (let tries = 0; tries < 2 && !clean; tries++) {
        const calls = Math.round(rate * (rate === 20 ? 2 : seconds));
        const before = engine.used();
        const result = await (await place(rate, calls, HOLD_MS)).done;
        const step = stepOf(rate, calls, result, before, engine);
        say(`engine: ${describe(step)}`);
        if (rate === 20 && step.failed === step.calls)
          throw new BenchError(
            'no_call_succeeded',
            `not one call went through: ${result.errors.slice(0, 600)} ${engine.output()}`,
            'Run the example by hand: examples/drachtio-b2bua/README.md.',
          );
        clean = isClean(step);
        if (rate === 20) break;
        steps.push(step);
      }
      if (!clean && rate !== 20) break;
    }
    const memory = await hold(engine, quick ? 1000 : 3000, place);
    say(`engine: ${memory.calls} calls held, ${rounded(memory.engineKb, 1)} kB each in the engine`);
    const top = steps.filter(isClean).at(-1)?.callsPerSecond ?? 500;
    const overload = await overloaded(Math.round(top * 2), seconds, place);
    say(`engine: overload ${JSON.stringify(overload)}`);
    return section(rates, steps, memory, overload, seconds);
  } finally {
    await engine.close();
    await bot.stop();
  }
}

type Place = (rate: number, calls: number, holdMs: number, scenario?: string) => ReturnType<typeof startLoad>;

function isClean({ failed, placedPerSecond, callsPerSecond }: EngineStep): boolean {
  return failed === 0 && placedPerSecond >= callsPerSecond * PLACED_SHARE;
}

function stepOf(
  callsPerSecond: number,
  calls: number,
  result: LoadResult,
  before: { engineMs: number; applicationMs: number },
  engine: EngineUnderTest,
): EngineStep {
  const after = engine.used();
  const { engineMb, applicationMb } = engine.memory();
  return {
    callsPerSecond,
    calls,
    placedPerSecond: rounded(calls / Math.max(0.1, result.elapsedS - HOLD_MS / 1000), 1),
    failed: result.failed,
    retransmissions: result.retransmissions,
    engineMsPerCall: rounded((after.engineMs - before.engineMs) / calls, 3),
    applicationMsPerCall: rounded((after.applicationMs - before.applicationMs) / calls, 3),
    sippMsPerCall: rounded(result.cpuMs / calls, 3),
    engineMb: Math.round(engineMb),
    applicationMb: Math.round(applicationMb),
    errors: result.errors.slice(0, 400),
  };
}

/** What a held call costs in memory: resident size with all of them less that before the first. */
async function hold(engine: EngineUnderTest, calls: number, place: Place): Promise<Held> {
  await pause(2000);
  const before = engine.memory();
  const load = await place(200, calls, (calls / 200) * 1000 + 4000);
  await pause((calls / 200) * 1000 + 2000);
  const during = engine.memory();
  await load.done;
  return {
    calls,
    engineKb: ((during.engineMb - before.engineMb) * 1024) / calls,
    applicationKb: ((during.applicationMb - before.applicationMb) * 1024) / calls,
  };
}

/** Twice the clean rate: every call must end in a 503 or run to its end. */
async function overloaded(rate: number, seconds: number, place: Place): Promise<Overload> {
  const calls = Math.round(rate * seconds);
  const { counters, retransmissions } = await (await place(rate, calls, HOLD_MS, 'caller-overload.xml')).done;
  const [shed = 0, answered = 0, completed = 0] = counters;
  return {
    offeredPerSecond: rate,
    calls,
    shed,
    answered,
    completed,
    unanswered: calls - shed - answered,
    retransmissions,
  };
}

function describe(step: EngineStep): string {
  return (
    `${step.callsPerSecond}/s (${step.placedPerSecond} placed): ${step.failed} of ${step.calls} failed, ${step.retransmissions} retransmitted; ` +
    `CPU per call engine ${step.engineMsPerCall} ms, application ${step.applicationMsPerCall} ms, SIPp caller ${step.sippMsPerCall} ms; ` +
    `${step.engineMb} and ${step.applicationMb} MB`
  );
}

function section(
  rates: MessageRates,
  steps: readonly EngineStep[],
  memory: Held,
  overload: Overload,
  seconds: number,
): Section {
  const best = steps.filter(isClean).at(-1);
  const last = steps.at(-1);
  const figure = (
    id: string,
    label: string,
    value: number | null,
    unit: string,
    meaning: string,
    bar = '',
  ): Figure => ({
    id: `engine.${id}`,
    label,
    value,
    unit,
    meaning,
    ...(bar === '' ? {} : { bar }),
  });
  return {
    name: 'engine',
    title: 'the SIP engine alone, with an eight-line B2BUA of drachtio-srf',
    figures: [
      figure(
        'parsed',
        'messages parsed',
        Math.round(rates.parsedPerS),
        '/CPU s',
        'the messages of a call, and their key headers',
      ),
      figure(
        'serialized',
        'messages written',
        Math.round(rates.serializedPerS),
        '/CPU s',
        'the same, to bytes',
      ),
      figure(
        'transactions',
        'transactions',
        Math.round(rates.transactionsPerS),
        '/CPU s',
        'INVITE and BYE, client and server, bytes included',
      ),
      figure(
        'per_second',
        'calls per second, none failed',
        best?.callsPerSecond ?? 0,
        '/s',
        'two legs each',
        '≥ 1350',
      ),
      figure(
        'cpu_per_call',
        'engine CPU per call there',
        best?.engineMsPerCall ?? null,
        'ms',
        'whole process',
        `< ${DRACHTIO.cpuMs}`,
      ),
      figure(
        'app_cpu_per_call',
        'application CPU per call',
        best?.applicationMsPerCall ?? null,
        'ms',
        'drachtio-srf and the eight lines',
      ),
      figure(
        'memory_per_call',
        'engine memory per held call',
        rounded(memory.engineKb, 1),
        'kB',
        `${memory.calls} calls, resident`,
        `< ${DRACHTIO.memoryKb}`,
      ),
      figure(
        'app_memory_per_call',
        'application memory per held call',
        rounded(memory.applicationKb, 1),
        'kB',
        'resident',
      ),
      figure('rss', 'engine memory at that rate', best?.engineMb ?? null, 'MB', 'resident, garbage included'),
      figure(
        'overload_shed',
        `offered ${overload.offeredPerSecond}/s: shed with 503`,
        overload.shed,
        'calls',
        `of ${overload.calls}`,
      ),
      figure(
        'overload_completed',
        '… carried to the end',
        overload.completed,
        'calls',
        `of ${overload.answered} answered`,
      ),
      figure(
        'overload_lost',
        '… answered, then lost',
        overload.answered - overload.completed,
        'calls',
        'accepted calls that did not end well',
        '0',
      ),
      figure(
        'overload_unanswered',
        '… neither answered nor shed',
        overload.unanswered,
        'calls',
        'timed out at the caller',
        '0',
      ),
    ],
    notes: [
      `Load: SIPp on the same machine, UDP on loopback, ${seconds} s per rate, ${HOLD_MS} ms of hold.`,
      last && !isClean(last)
        ? `${last.callsPerSecond}/s was too much: ${last.failed} of ${last.calls} failed, ${last.retransmissions} retransmissions, SIPp placed ${last.placedPerSecond}/s.`
        : 'The highest rate tried was still clean.',
    ],
    steps: [...steps, overload],
    problem: null,
  };
}
