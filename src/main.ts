import type { RelevoConfig } from './config/relevo-config.js';
import type { LoadedConfig } from './config/load-config.js';
import type { startRecording } from './main/start-recording.js';
import type { startMediaWorkers } from './media/media-worker-host.js';
import { createLogger } from './common/log.js';
import { RunningNode, type NodeEnd, type SipListener } from './main/running-node.js';
import type { NodeObserver } from './main/node-observer.js';
import type { ReloadReport } from './api/node-control.js';

export type { NodeEnd, SipListener } from './main/running-node.js';

export interface StartOptions {
  /** Reads the configuration again for a reload; without it a reload is refused. */
  readonly reload?: () => LoadedConfig;
  /** How long a drain waits for calls before it ends them (default one minute). */
  readonly drainMs?: number;
  /** The version that the API tells. */
  readonly version?: string;
  /** Another way to start a media worker, for tests. */
  readonly startMediaWorkers?: typeof startMediaWorkers;
  /** Another way to start the thread that writes recordings, for tests. */
  readonly startRecording?: typeof startRecording;
}

/** A whole node in this process. */
export interface RelevoNode {
  /** Where peers reach it; empty where an external drachtio-server listens. */
  readonly sipListeners: readonly SipListener[];
  readonly apiAddress: { readonly url: string; readonly address: string; readonly port: number };
  /** Calls, events, ladders: what the API shows, for programs in this process. */
  readonly observer: NodeObserver;
  /** Resolves once the node has ended, for whatever reason; nothing of it is left running then. */
  readonly ended: Promise<NodeEnd>;
  reload(): Promise<ReloadReport>;
  /** Takes no new calls, waits for the live ones within the bound, then closes. */
  drain(): Promise<void>;
  /** Ends all calls and everything else. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a node: engine, media workers, policy, signalling and API, each in its thread.
 * @throws RelevoError with code and remedy where a part cannot start; nothing is left running then.
 */
export async function startNode(config: RelevoConfig, options: StartOptions = {}): Promise<RelevoNode> {
  const node = new RunningNode(config, {
    reload: options.reload ?? null,
    drainMs: options.drainMs ?? 60_000,
    version: options.version ?? '0.0.0',
    log: createLogger('control', config.log.level),
    ...(options.startMediaWorkers && { startMediaWorkers: options.startMediaWorkers }),
    ...(options.startRecording && { startRecording: options.startRecording }),
  });
  await node.start();
  return node;
}
