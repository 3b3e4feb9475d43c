import { threadCpuMsOf } from '../common/proc.js';

/** Worker threads of a node with one media worker, in the order in which it starts them. */
const START_ORDER = ['engine', 'media-0', 'policy', 'signalling'] as const;

/** CPU time of the node's threads (ms). `runtime` is the garbage collector and compiler threads together. */
export type NodeCpu = Readonly<Record<(typeof START_ORDER)[number] | 'control' | 'runtime', number>>;

/**
 * Knows which kernel thread is which. The kernel does not say: the JavaScript threads are the youngest of a
 * node that has just become ready, in the order of their start.
 */
export class NodeThreads {
  readonly #pid: number;
  readonly #names = new Map<number, (typeof START_ORDER)[number]>();

  /** To be made once the node is ready and before its first call. */
  constructor(pid: number) {
    this.#pid = pid;
    const youngest = [...threadCpuMsOf(pid).keys()].sort((a, b) => a - b).slice(-START_ORDER.length);
    for (const [index, id] of youngest.entries()) this.#names.set(id, START_ORDER[index]!);
  }

  /** CPU time so far. */
  read(): NodeCpu {
    const cpu = { engine: 0, 'media-0': 0, policy: 0, signalling: 0, control: 0, runtime: 0 };
    for (const [id, ms] of threadCpuMsOf(this.#pid)) {
      cpu[id === this.#pid ? 'control' : (this.#names.get(id) ?? 'runtime')] += ms;
    }
    return cpu;
  }
}

/** What was used between two readings (ms). */
export function cpuUsed(before: NodeCpu, after: NodeCpu): NodeCpu {
  return {
    engine: after.engine - before.engine,
    'media-0': after['media-0'] - before['media-0'],
    policy: after.policy - before.policy,
    signalling: after.signalling - before.signalling,
    control: after.control - before.control,
    runtime: after.runtime - before.runtime,
  };
}
