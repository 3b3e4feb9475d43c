import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance, type IntervalHistogram } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Event-loop delay since the last reading, in ms. */
export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How busy the thread is that it is made in. */
export class ThreadLoad {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  /** CPU time of this thread since its start, in ms. */
  cpuMs(): number {
    try {
      // Linux: the first number is the time on a CPU in nanoseconds. procfs answers from memory.
      const nanoseconds = Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]);
      return Math.round(nanoseconds / NS_PER_MS);
    } catch {
      return Math.round(performance.eventLoopUtilization().active);
    }
  }

  /** Delay beyond the sampling interval; begins anew with each call. */
  loopDelay(): LoopDelay {
    const over = (percentile: number): number => {
      const ms = this.#histogram.percentile(percentile) / NS_PER_MS - RESOLUTION_MS;
      return Math.max(0, Math.round(ms * 100) / 100);
    };
    const delay = { p50Ms: over(50), p99Ms: over(99) };
    this.#histogram.reset();
    return delay;
  }

  close(): void {
    this.#histogram.disable();
  }
}
