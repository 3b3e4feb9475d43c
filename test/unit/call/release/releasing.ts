import type { CallRecord } from '../../../../src/call/call-record.js';
import type { Project, Trunk, TransferSettings } from '../../../../src/call/project.js';
import { CallBench, sdp } from '../../../support/call/call-bench.js';
import { makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';

export const CALLER = 'c1.1';
export const AGENT = 'c1.3';

export interface Settings {
  readonly caller?: Partial<Trunk>;
  readonly agent?: Partial<Trunk>;
  readonly project?: Partial<Omit<Project, 'transfer'>>;
  readonly transfer?: Partial<TransferSettings>;
}

/** A call on trunks that allow its audio to be led past us. */
export function benchOf({ caller, agent, project: more, transfer }: Settings = {}): CallBench {
  const trunk = makeTrunk({ mediaRelease: true, ...caller });
  const pbx = makeTrunk({ name: 'pbx', hosts: ['sip:10.0.0.7:5080'], mediaRelease: true, ...agent });
  const project = makeProject(more, transfer);
  return new CallBench({ project, trunk, plan: makePlan(project, { trunks: { carrier: trunk, pbx } }) });
}

/** Caller and person are joined; nothing was released yet. */
export function joined(settings: Settings = {}): CallBench {
  const bench = benchOf(settings).withBot();
  bench.transfer();
  bench.accepted(AGENT);
  return bench;
}

/** Likewise, and it is time to release. */
export function stable(settings: Settings = {}): CallBench {
  const bench = joined(settings);
  bench.clock.advance(1_000);
  return bench;
}

/** One where each re-INVITE of ours is answered by hand, and the person was asked first. */
export function asking(settings: Settings = {}): CallBench {
  const bench = joined(settings);
  bench.auto.requests = false;
  bench.clock.advance(1_000);
  return bench;
}

/** Our re-INVITEs to a leg, in brief: to whom they lead, or how we would hear. */
export function offers(bench: CallBench, legId: string): string[] {
  return bench.requests('INVITE', legId).map(({ body }) => {
    const direct = /direct (\S+)/.exec(body ?? '');
    return direct ? `to ${direct[1]}` : `ours ${/a=(\w+)/.exec(body ?? '')?.[1]}`;
  });
}

/** What the event said each time. */
export function events(bench: CallBench, name: string): Readonly<Record<string, unknown>>[] {
  return bench.records
    .filter((record): record is Extract<CallRecord, { kind: 'call.event' }> => record.kind === 'call.event')
    .filter((record) => record.name === name)
    .map(({ detail }) => detail);
}

/** Whether each leg rests, as the worker was told last. */
export function resting(bench: CallBench, legId: string): boolean {
  const last = bench.mediaCommands('rest', legId).at(-1);
  return last?.kind === 'rest' && last.on;
}

/** A re-INVITE of a peer, with its ACK. */
export function reinvite(bench: CallBench, legId: string, body: string | null): string {
  const requestId = bench.request(legId, 'INVITE', { body });
  const answered = bench.statusOf(requestId);
  if (answered !== null && answered < 300)
    bench.signal({ kind: 'acked', legId, requestId, sdp: body === null ? sdp() : null });
  return requestId;
}
