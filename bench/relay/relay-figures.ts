import type { Figure } from '../common/figures.js';
import { rounded } from '../common/figures.js';
import type { Ramp, RelayStep } from './relay-steps.js';
import type { RtpRun } from './rtp-generator.js';

/** Bar of the added delay. */
const P99_BAR_US = 2000;

/** The figures of both ramps. `direct` is the same load without a relay, which is taken off the delays. */
export function relayFigures(relevo: Ramp, rtpengine: Ramp | null, direct: RtpRun): Figure[] {
  const best = relevo.best ?? null;
  const other = rtpengine?.best ?? null;
  const common = commonStep(relevo, rtpengine);
  const added = (us: number, base: number): number => rounded(Math.max(0, us - base) / 1000, 3);
  const found: Figure[] = [
    {
      id: 'relay.calls_without_loss',
      label: 'calls without loss',
      value: best?.calls ?? 0,
      unit: 'calls',
      bar: '1000',
      meaning: 'two-way calls held by one media worker with every packet delivered',
    },
    {
      id: 'relay.delay_p50',
      label: 'added delay p50 there',
      value: best ? added(best.run.p50Us, direct.p50Us) : null,
      unit: 'ms',
      meaning: "from sending to the kernel's receive time stamp, less the same without a relay",
    },
    {
      id: 'relay.delay_p99',
      label: 'added delay p99 there',
      value: best ? added(best.run.p99Us, direct.p99Us) : null,
      unit: 'ms',
      meaning: 'as p50',
    },
    {
      id: 'relay.delay_p999',
      label: 'added delay p99.9 there',
      value: best ? added(best.run.p999Us, direct.p999Us) : null,
      unit: 'ms',
      meaning: 'as p50',
    },
    {
      id: 'relay.calls_within_2_ms',
      label: 'calls with p99 under 2 ms',
      value: callsWithin(relevo, direct, P99_BAR_US),
      unit: 'calls',
      bar: '1000',
      meaning: 'the highest load without loss up to which every load kept its added delay p99 under 2 ms',
    },
    {
      id: 'relay.cpu_per_packet_full',
      label: 'CPU per packet there',
      value: best?.cpuUsPerPacket ?? null,
      unit: 'µs',
      meaning: "the worker thread's CPU time, user and system, per packet relayed",
    },
  ];
  if (common) {
    found.push({
      id: 'relay.cpu_per_packet',
      label: `CPU per packet at ${common.relevo.calls} calls`,
      value: common.relevo.cpuUsPerPacket,
      unit: 'µs',
      meaning: 'at the highest load that both relays held',
    });
    found.push(
      {
        id: 'relay.rtpengine_cpu_per_packet',
        label: 'rtpengine, same load',
        value: common.other.cpuUsPerPacket,
        unit: 'µs',
        meaning: 'CPU time of the whole rtpengine process per packet, userspace path',
      },
      {
        id: 'relay.cpu_ratio',
        label: 'ratio to rtpengine',
        value: rounded(common.relevo.cpuUsPerPacket / common.other.cpuUsPerPacket),
        unit: '×',
        bar: '≤ 1.25',
        meaning: 'CPU per packet, ours to theirs',
      },
      {
        id: 'relay.delay_p99_at_common',
        label: 'added delay p99, ours',
        value: added(common.relevo.run.p99Us, direct.p99Us),
        unit: 'ms',
        meaning: 'at that load',
      },
      {
        id: 'relay.delay_p999_at_common',
        label: 'added delay p99.9, ours',
        value: added(common.relevo.run.p999Us, direct.p999Us),
        unit: 'ms',
        meaning: 'at that load',
      },
      {
        id: 'relay.rtpengine_delay_p99',
        label: 'added delay p99, rtpengine',
        value: added(common.other.run.p99Us, direct.p99Us),
        unit: 'ms',
        meaning: 'at that load',
      },
      {
        id: 'relay.rtpengine_delay_p999',
        label: 'added delay p99.9, rtpengine',
        value: added(common.other.run.p999Us, direct.p999Us),
        unit: 'ms',
        meaning: 'at that load',
      },
    );
  }
  if (rtpengine && other) {
    found.push({
      id: 'relay.rtpengine_calls_without_loss',
      label: 'rtpengine without loss',
      value: other.calls,
      unit: 'calls',
      meaning: 'same ramp; rtpengine may use as many threads as the machine has cores',
    });
    found.push({
      id: 'relay.rtpengine_calls_within_2_ms',
      label: 'rtpengine with p99 under 2 ms',
      value: callsWithin(rtpengine, direct, P99_BAR_US),
      unit: 'calls',
      meaning: 'same ramp',
    });
  }
  return found;
}

/** The highest load that both relays held without loss. */
function commonStep(relevo: Ramp, rtpengine: Ramp | null): { relevo: RelayStep; other: RelayStep } | null {
  const clean = (steps: readonly RelayStep[]): RelayStep[] => steps.filter(({ lost }) => lost === 0);
  for (const ours of clean(relevo.steps).reverse()) {
    const other = clean(rtpengine?.steps ?? []).find(({ calls }) => calls === ours.calls);
    if (other) return { relevo: ours, other };
  }
  return null;
}

/** 0 where the lowest load was late already. Of a load that was tried twice the better try counts. */
function callsWithin({ steps }: Ramp, direct: RtpRun, limitUs: number): number {
  let within = 0;
  for (const calls of new Set(steps.map((step) => step.calls))) {
    const kept = steps.some(
      (step) => step.calls === calls && step.lost === 0 && step.run.p99Us - direct.p99Us < limitUs,
    );
    if (!kept) break;
    within = calls;
  }
  return within;
}
