import type { MessagePort } from 'node:worker_threads';
import type { LogLevel } from '../common/log.js';
import type { MediaWorkerStats, PortRange } from './worker-messages.js';

export interface MediaWorkersOptions {
  readonly count: number;
  /** IPv4 address to bind to. */
  readonly address: string;
  /** Split among the workers. */
  readonly portRange: PortRange;
  readonly logLevel: LogLevel;
}

/** The media workers as the control thread sees them. */
export interface MediaWorkers {
  /** One new port per worker, by index, to be transferred to a signalling thread. */
  connect(): MessagePort[];
  /** Per worker, by index. */
  stats(): Promise<MediaWorkerStats[]>;
  /** Called when a worker ends without having been closed. */
  onExit(listener: (index: number, cause: string) => void): void;
  /** Ends the threads; idempotent. */
  close(): Promise<void>;
}

/** Starts the media worker threads; resolves when all are ready. */
export function startMediaWorkers(options: MediaWorkersOptions): Promise<MediaWorkers> {
  return Promise.reject(new Error(`cannot start ${options.count} media workers yet`));
}
