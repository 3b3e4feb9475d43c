import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

const RESOLUTION_MS = 10;

export interface LoopReading {
  /** CPU time of this thread since its start, in ms: the time that its loop was not idle. */
  readonly cpuMs: number;
  /** Event-loop delay since the last reading, in ms. */
  readonly loopDelayP50Ms: number;
  readonly loopDelayP99Ms: number;
}

/** Watches how late the event loop of this thread is. */
export class LoopWatch {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  read(): LoopReading {
    const reading = {
      cpuMs: performance.eventLoopUtilization().active,
      loopDelayP50Ms: this.#delay(50),
      loopDelayP99Ms: this.#delay(99),
    };
    this.#histogram.reset();
    return reading;
  }

  /** The histogram holds the sampling interval itself; 0 where nothing was sampled yet. */
  #delay(percentile: number): number {
    const ms = this.#histogram.percentile(percentile) / 1e6 - RESOLUTION_MS;
    return Number.isFinite(ms) ? Math.max(0, ms) : 0;
  }

  /** Idempotent. */
  close(): void {
    this.#histogram.disable();
  }
}
