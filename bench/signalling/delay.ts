import { BenchError } from '../common/bench-error.js';
import { pause } from '../common/child.js';
import { rounded, type BenchSettings, type Figure, type Section } from '../common/figures.js';
import { percentiles } from '../common/percentiles.js';
import { BENCH_NUMBERS, benchPorts } from '../node/bench-config.js';
import { BenchNode } from '../node/bench-node.js';
import { AnsweringPeer, type TakenInvite } from '../peer/answering-peer.js';
import { CallerPeer } from '../peer/caller-peer.js';
import { pacedLoop } from '../peer/paced-loop.js';

const CALLS_PER_SECOND = 50;
const WARM_UP_CALLS = 150;
const HOLD_MS = 200;

/** How much later the caller hears ringing than if it had called the bot itself. */
export async function measureDelay(settings: BenchSettings): Promise<Section> {
  const ports = benchPorts(2);
  const seconds = settings.seconds ?? (settings.quick ? 5 : 25);
  const calls = WARM_UP_CALLS + Math.round(CALLS_PER_SECOND * seconds);
  const sentAt = new Map<string, number>();
  const taken = new Map<string, TakenInvite>();
  const setUp: number[] = [];
  const toBot: number[] = [];
  const toCaller: number[] = [];
  let refused = 0;
  const node = await BenchNode.start(ports);
  const bot = await AnsweringPeer.start({
    port: ports.bot,
    nodePort: ports.sip,
    answerAfterMs: 20,
    talker: null,
    onInvite: (invite) => taken.set(invite.mark, invite),
  });
  const caller: CallerPeer = await CallerPeer.start({
    port: ports.caller,
    nodePort: ports.sip,
    talker: null,
    onEvent: (mark, event) => {
      const invite = taken.get(mark);
      const sent = sentAt.get(mark);
      if (event.kind === 'refused') refused++;
      if (event.kind === 'answered') setTimeout(() => caller.hangUp(mark), HOLD_MS);
      if (event.kind !== 'ringing' || !invite || sent === undefined) return;
      if (Number(mark) < WARM_UP_CALLS) return;
      setUp.push(event.atMs - sent - (invite.rangAtMs - invite.arrivedAtMs));
      toBot.push(invite.arrivedAtMs - sent);
      toCaller.push(event.atMs - invite.rangAtMs);
    },
  });
  try {
    const longestStallMs = await pacedLoop(CALLS_PER_SECOND, calls, (index) => {
      const mark = String(index);
      sentAt.set(mark, performance.now());
      sentAt.set(mark, caller.call(BENCH_NUMBERS.plain, mark));
    });
    await pause(HOLD_MS + 500);
    if (setUp.length === 0) {
      throw new BenchError(
        'no_call_rang',
        `no call rang, ${refused} were refused: ${node.output().slice(-600)}`,
        'See whether a single call works: npm run demo.',
      );
    }
    const measured = calls - WARM_UP_CALLS;
    settings.say(`delay: ${setUp.length} of ${measured} calls rang`);
    return {
      name: 'delay',
      title: `added set-up delay at ${CALLS_PER_SECOND} calls per second`,
      figures: [
        ...pair('delay.set_up', 'INVITE to 180, added', setUp, "INVITE to 180, less the far end's own time", [
          '< 1.45',
          '< 3.2',
        ]),
        ...pair(
          'delay.to_bot',
          'INVITE to INVITE',
          toBot,
          "the caller's INVITE to the bot's: routing, media ports, policy",
        ),
        ...pair('delay.to_caller', '180 to 180', toCaller, "the bot's 180 to the caller's"),
        {
          id: 'delay.calls',
          label: 'calls measured',
          value: setUp.length,
          unit: 'calls',
          meaning: `of ${measured}, after ${WARM_UP_CALLS} for warming up; ${refused} refused`,
        },
      ],
      notes: [
        'Caller and bot are one process with one clock; its own wake-ups are in the figures. ' +
          `Its longest stall was ${rounded(longestStallMs, 1)} ms.`,
      ],
      problem: null,
    };
  } finally {
    caller.close();
    bot.close();
    await node.close();
  }
}

function pair(
  id: string,
  label: string,
  samples: readonly number[],
  meaning: string,
  bars: readonly [string, string] | null = null,
): Figure[] {
  const found = percentiles(samples);
  return (['p50', 'p99'] as const).map((name, index) => ({
    id: `${id}_${name}`,
    label: `${label}, ${name}`,
    value: found ? rounded(found[name], 3) : null,
    unit: 'ms',
    meaning,
    ...(bars ? { bar: bars[index]! } : {}),
  }));
}
