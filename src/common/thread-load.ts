import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance, type IntervalHistogram } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** The monitor's own timer interval: what it reports beyond that is delay. */
const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

export interface ThreadLoadReading {
  /** CPU time of the thread since its start, in ms. */
  readonly cpuMs: number;
  /** Event-loop delay since the last reading, in ms. */
  readonly loopDelayP50Ms: number;
  readonly loopDelayP99Ms: number;
  /** The thread's own JavaScript heap, and what it holds outside (buffers), in bytes. */
  readonly heapBytes: number;
  readonly externalBytes: number;
}

/** How busy the thread is that it is made in; read it in that same thread. */
export class ThreadLoad {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  read(): ThreadLoadReading {
    const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
    const reading = {
      cpuMs: cpuMs(),
      loopDelayP50Ms: this.#delay(50),
      loopDelayP99Ms: this.#delay(99),
      heapBytes,
      externalBytes,
    };
    this.#histogram.reset();
    return reading;
  }

  /** Idempotent. */
  close(): void {
    this.#histogram.disable();
  }

  /** 0 where nothing was sampled yet. */
  #delay(percentile: number): number {
    const ms = this.#histogram.percentile(percentile) / NS_PER_MS - RESOLUTION_MS;
    return Number.isFinite(ms) ? Math.max(0, Math.round(ms * 100) / 100) : 0;
  }
}

function cpuMs(): number {
  try {
    // Linux: the first number is the time on a CPU in nanoseconds. procfs answers from memory.
    return Math.round(
      Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / NS_PER_MS,
    );
  } catch {
    return Math.round(performance.eventLoopUtilization().active);
  }
}
