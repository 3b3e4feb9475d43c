import { rounded } from '../common/figures.js';
import { udpDrops } from '../common/proc.js';
import type { RelayCall, RelayUnderTest } from './relay-under-test.js';
import type { RtpGenerator, RtpRun, RtpStream } from './rtp-generator.js';

/** One load held for a while. */
export interface RelayStep {
  readonly relay: string;
  readonly calls: number;
  readonly seconds: number;
  readonly run: RtpRun;
  readonly lost: number;
  /** Of the lost: dropped at the relay's full sockets, and at the generator's own. */
  readonly droppedAtRelay: number;
  readonly droppedAtGenerator: number;
  /** CPU time of the relay per packet relayed. */
  readonly cpuUsPerPacket: number;
  /** Shares of one core. */
  readonly relayCore: number;
  readonly generatorCore: number;
}

const WARMUP_S = 1;

/** Holds `calls` calls on the relay for `seconds`. */
export async function holdCalls(
  relay: RelayUnderTest,
  generator: RtpGenerator,
  calls: number,
  seconds: number,
): Promise<RelayStep> {
  const up = await relay.grow(calls);
  // The first packets of a call cost more (latching): they are not measured.
  await generator.run(streamsOf(up), 0.01, WARMUP_S);
  const [cpuBefore, dropsBefore] = [await relay.cpuMs(), udpDrops()];
  const run = await generator.run(streamsOf(up), seconds, 0.02);
  const [cpuAfter, dropsAfter] = [await relay.cpuMs(), udpDrops()];
  const dropped = (ports: readonly number[]): number =>
    ports.reduce((sum, port) => sum + (dropsAfter.get(port) ?? 0) - (dropsBefore.get(port) ?? 0), 0);
  return {
    relay: relay.name,
    calls,
    seconds,
    run,
    lost: run.sent - run.received,
    droppedAtRelay: dropped(up.flatMap(({ callerLegPort, botLegPort }) => [callerLegPort, botLegPort])),
    droppedAtGenerator: dropped(generator.ports),
    cpuUsPerPacket: rounded(((cpuAfter - cpuBefore) * 1000) / Math.max(1, run.received)),
    relayCore: rounded((cpuAfter - cpuBefore) / (seconds * 1000)),
    generatorCore: rounded(run.cpuMs / (seconds * 1000)),
  };
}

/** The same load without any relay between: what generator and loopback add by themselves. */
export async function holdDirect(generator: RtpGenerator, calls: number, seconds: number): Promise<RtpRun> {
  const [callerPort, botPort] = generator.ports;
  const streams = Array.from({ length: calls }, (): RtpStream[] => [
    { side: 0, toPort: botPort },
    { side: 1, toPort: callerPort },
  ]).flat();
  return generator.run(streams, seconds, 0.2);
}

export interface Ramp {
  readonly steps: readonly RelayStep[];
  /** The highest load without loss; null where the first already lost. */
  readonly best: RelayStep | null;
  /** True where the ramp ended with loss, not with its last step. */
  readonly lossSeen: boolean;
}

/** Rising loads until packets are lost twice at the same load. */
export async function ramp(
  relay: RelayUnderTest,
  generator: RtpGenerator,
  loads: readonly number[],
  seconds: number,
  onStep: (step: RelayStep) => void,
): Promise<Ramp> {
  const steps: RelayStep[] = [];
  let best: RelayStep | null = null;
  for (const calls of loads) {
    let clean = false;
    for (let tries = 0; tries < 2 && !clean; tries++) {
      const step = await holdCalls(relay, generator, calls, seconds);
      steps.push(step);
      onStep(step);
      clean = step.lost === 0;
      if (clean) best = step;
    }
    if (!clean) return { steps, best, lossSeen: true };
  }
  return { steps, best, lossSeen: false };
}

function streamsOf(calls: readonly RelayCall[]): RtpStream[] {
  return calls.flatMap(({ callerLegPort, botLegPort }): RtpStream[] => [
    { side: 0, toPort: callerLegPort },
    { side: 1, toPort: botLegPort },
  ]);
}
