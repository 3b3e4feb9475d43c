import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** What a figure depends on besides the code. */
export interface MachineFacts {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  /** Load average of the last minute before the run: above 0.5, something else was running. */
  readonly loadBefore: number;
}

export function machineFacts(): MachineFacts {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
