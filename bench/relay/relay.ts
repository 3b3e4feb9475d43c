import type { BenchSettings, Section } from '../common/figures.js';
import { problemOf } from '../common/bench-error.js';
import { relayFigures } from './relay-figures.js';
import { holdDirect, ramp, type Ramp, type RelayStep } from './relay-steps.js';
import { RelevoRelay } from './relevo-relay.js';
import { RtpGenerator } from './rtp-generator.js';
import { srtpFigures } from './srtp-cost.js';
import { RtpengineRelay } from './rtpengine-relay.js';
import type { RelayUnderTest } from './relay-under-test.js';

const RELEVO_PORTS = { first: 44_000, last: 50_999 };
const RTPENGINE_PORTS = { first: 51_000, last: 57_998 };
/** Load of the run without a relay. */
const DIRECT_CALLS = 250;
const RTPENGINE_CONTROL = 19_490;
const QUICK_LOADS = [250];
const FULL_LOADS = [50, 250, 500, 600, 700, 800, 900, 1000, 1200, 1400];

/** Two-way G.711 calls through one media worker, and through rtpengine's userspace path beside it. */
export async function measureRelay(settings: BenchSettings): Promise<Section> {
  const seconds = settings.seconds ?? (settings.quick ? 2 : 4);
  const loads = settings.quick ? QUICK_LOADS : FULL_LOADS;
  const generator = await RtpGenerator.start();
  const notes: string[] = [];
  try {
    const direct = await holdDirect(generator, DIRECT_CALLS, Math.min(2, seconds));
    const relevo = await rampOf(await RelevoRelay.start(generator.ports, RELEVO_PORTS));
    let rtpengine: Ramp | null = null;
    try {
      const relay = await RtpengineRelay.start(generator.ports, RTPENGINE_PORTS, RTPENGINE_CONTROL);
      if (relay) rtpengine = await rampOf(relay);
      else
        notes.push('rtpengine is not installed: nothing to compare with (apt-get install rtpengine-daemon).');
    } catch (error) {
      notes.push(`rtpengine could not be measured: ${problemOf(error).message}`);
    }
    notes.push(
      `Load: ${seconds} s per step, PCMA in 20 ms packets both ways, from one generator process; ` +
        `the generator alone, without a relay: p50 ${direct.p50Us} µs, p99 ${direct.p99Us} µs, ${direct.sent - direct.received} lost.`,
      ...limits(relevo),
      ...(rtpengine ? limits(rtpengine) : []),
    );
    return {
      name: 'relay',
      title: 'two-way G.711 calls through one media worker, by real RTP on loopback',
      figures: [...relayFigures(relevo, rtpengine, direct), ...srtpFigures()],
      notes,
      steps: [...relevo.steps, ...(rtpengine?.steps ?? [])],
      problem: null,
    };
  } finally {
    await generator.close();
  }

  async function rampOf(relay: RelayUnderTest): Promise<Ramp> {
    try {
      return await ramp(relay, generator, loads, seconds, (step) => {
        settings.say(`relay: ${describe(step)}`);
      });
    } finally {
      await relay.close();
    }
  }
}

function describe(step: RelayStep): string {
  const { run } = step;
  return (
    `${step.relay}, ${step.calls} calls: ${step.lost} of ${run.sent} lost ` +
    `(${step.droppedAtRelay} at the relay's sockets, ${step.droppedAtGenerator} at the generator's), ` +
    `${step.cpuUsPerPacket} µs CPU per packet, ${step.relayCore} core, p50 ${run.p50Us} µs, p99 ${run.p99Us} µs, p99.9 ${run.p999Us} µs, ` +
    `generator ${step.generatorCore} core, longest stall ${run.longestStallMs} ms`
  );
}

/** What ended a ramp, in words. */
function limits({ steps, best, lossSeen }: Ramp): string[] {
  const last = steps.at(-1);
  if (!last) return [];
  if (!lossSeen)
    return [`${last.relay}: the highest load tried (${last.calls} calls) was still without loss.`];
  const { generatorCore, relayCore, droppedAtGenerator } = last;
  const whose =
    droppedAtGenerator > 0 || (generatorCore > 0.9 && relayCore < 0.9)
      ? 'the generator was the limit, not the relay'
      : 'the relay was the limit';
  return [
    `${last.relay}: lost ${last.lost} of ${last.run.sent} packets at ${last.calls} calls ` +
      `(relay ${relayCore} core, generator ${generatorCore} core, generator kept waiting up to ${last.run.longestStallMs} ms): ${whose}` +
      `${best ? '' : '; not even the lowest load was clean'}.`,
  ];
}
