import assert from 'node:assert/strict';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/**
 * Preloaded into every thread of a soak (`--import`, with `--expose-gc`): collects garbage and says what is left
 * whenever it is asked over the channel. Nothing of it is in the product.
 */
export const PROBE_CHANNEL = 'relevo-soak';
/** Names a thread that leaks on purpose, to see that it is seen. */
export const PLANT = 'RELEVO_SOAK_PLANT';

/** What one thread holds after garbage was collected. */
export interface ThreadHeap {
  readonly thread: string;
  readonly heapBytes: number;
  /** Open handles and running timers of the thread, by kind. */
  readonly resources: Readonly<Record<string, number>>;
}

export type ProbeMessage =
  | { readonly kind: 'measure'; readonly round: number }
  | { readonly kind: 'measured'; readonly round: number; readonly heap: ThreadHeap };

/** The name of this thread, by its entry. */
function threadName(): string {
  if (isMainThread) return 'control';
  const entry = /([a-z-]+)\.js$/.exec(process.argv[1] ?? '')?.[1] ?? 'other';
  return entry.replace(/-(thread|worker)$/, '');
}

/** Collects garbage in this thread and measures. Heap and buffers outside of it count alike. */
export async function measureThread(): Promise<ThreadHeap> {
  assert.ok(gc, 'run with --expose-gc');
  for (let round = 0; round < 3; round++) {
    gc();
    // What waits for a finalizer or a turn of the loop goes in the next round.
    await new Promise((resolve) => setImmediate(resolve));
  }
  gc();
  const { heapUsed, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { thread: threadName(), heapBytes: heapUsed + external, resources };
}

/** Keeps what every timer of this thread was set for, and with it the call that set it. */
function plantLeak(): void {
  const kept: unknown[] = [];
  const set = globalThis.setTimeout;
  Reflect.set(globalThis, 'setTimeout', (...args: Parameters<typeof set>) => {
    kept.push(args[0]);
    return set(...args);
  });
}

if (!isMainThread) {
  const channel = new BroadcastChannel(PROBE_CHANNEL);
  channel.onmessage = (event: unknown) => {
    const message = (event as { data: ProbeMessage }).data;
    if (message.kind !== 'measure') return;
    void measureThread().then((heap) => {
      channel.postMessage({ kind: 'measured', round: message.round, heap } satisfies ProbeMessage);
    });
  };
  // The thread may end while it is listened to.
  channel.unref();
  if (process.env[PLANT] === threadName()) plantLeak();
}
