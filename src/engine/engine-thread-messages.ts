import type { EngineListener } from './engine.js';
import type { EngineOptions, TlsPeerOptions } from './engine-options.js';
import type { ThreadLoadReading } from '../common/thread-load.js';
import type { EngineStats } from './engine-stats.js';
import type { PackedTap } from './tap-batch.js';
import type { LogLevel } from '../common/log.js';

/** The engine's counters and how busy its thread is. */
export type EngineThreadStats = EngineStats & ThreadLoadReading;

/** What the engine's thread is started with (`workerData`). */
export interface EngineThreadData {
  readonly options: EngineOptions;
  readonly logLevel: LogLevel;
}

/** From the engine's thread to the one that started it. */
export type EngineThreadMessage =
  | { readonly type: 'ready'; readonly controlPort: number; readonly listeners: readonly EngineListener[] }
  /** It could not start, or cannot go on. The thread ends. */
  | { readonly type: 'fatal'; readonly code: string; readonly message: string; readonly remedy: string }
  /** What went by since the last batch, oldest first. */
  | { readonly type: 'tap'; readonly batch: PackedTap }
  | { readonly type: 'stats'; readonly requestId: number; readonly stats: EngineThreadStats }
  | { readonly type: 'closed' };

/** To the engine's thread. */
export type EngineThreadCommand =
  | { readonly type: 'close' }
  | { readonly type: 'setTap'; readonly on: boolean }
  | { readonly type: 'reloadCertificates' }
  | { readonly type: 'setTlsPeers'; readonly peers: readonly TlsPeerOptions[] }
  | { readonly type: 'setTrusted'; readonly blocks: readonly string[] }
  | { readonly type: 'getStats'; readonly requestId: number };
