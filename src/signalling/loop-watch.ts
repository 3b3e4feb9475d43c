import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

const LOOK_EVERY_MS = 50;
/** A turn of the loop that came this much too late means that work arrives faster than it is done. */
const OVERLOADED_MS = 300;
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
  readonly #look: NodeJS.Timeout;
  #expectedAt: number;
  #lateMs = 0;

  constructor() {
    this.#histogram.enable();
    this.#expectedAt = performance.now() + LOOK_EVERY_MS;
    this.#look = setInterval(() => {
      const now = performance.now();
      this.#lateMs = now - this.#expectedAt;
      this.#expectedAt = now + LOOK_EVERY_MS;
    }, LOOK_EVERY_MS);
    this.#look.unref();
  }

  /** True while the loop's last turn, or the one that is due, came too late to take on more work. */
  get overloaded(): boolean {
    return Math.max(this.#lateMs, performance.now() - this.#expectedAt) > OVERLOADED_MS;
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
    clearInterval(this.#look);
    this.#histogram.disable();
  }
}
