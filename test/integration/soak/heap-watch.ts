import { readdirSync } from 'node:fs';
import { BroadcastChannel } from 'node:worker_threads';
import { measureThread, PROBE_CHANNEL, type ProbeMessage, type ThreadHeap } from './heap-probe.js';

/** What the process holds after so many transfers, all of them over. */
export interface Sample {
  readonly transfers: number;
  /** By thread: bytes in use after garbage was collected. */
  readonly heapBytes: Readonly<Record<string, number>>;
  /** Handles and timers, `thread kind` to count. */
  readonly resources: Readonly<Record<string, number>>;
  readonly rssBytes: number;
  readonly openFiles: number;
}

const THREADS = ['control', 'engine', 'signalling', 'media', 'policy'];
const PATIENCE_MS = 20_000;

/** Asks every thread of this process what it holds. */
export class HeapWatch {
  readonly #channel = new BroadcastChannel(PROBE_CHANNEL);
  readonly #threads: readonly string[];
  #round = 0;

  /** `threads` that are to answer, this one among them. */
  constructor(threads: readonly string[] = THREADS) {
    this.#threads = threads;
  }

  async sample(transfers: number): Promise<Sample> {
    const round = ++this.#round;
    const others = new Promise<ThreadHeap[]>((resolve, reject) => {
      const heard: ThreadHeap[] = [];
      const late = setTimeout(() => {
        reject(
          new Error(
            `of ${this.#threads.join(', ')} answered: ${heard.map(({ thread }) => thread).join(', ')}`,
          ),
        );
      }, PATIENCE_MS);
      this.#channel.onmessage = (event: unknown) => {
        const message = (event as { data: ProbeMessage }).data;
        if (message.kind !== 'measured' || message.round !== round) return;
        heard.push(message.heap);
        if (heard.length < this.#threads.length - 1) return;
        clearTimeout(late);
        resolve(heard);
      };
    });
    this.#channel.postMessage({ kind: 'measure', round } satisfies ProbeMessage);
    const heaps = [...(await others), await measureThread()];
    return {
      transfers,
      heapBytes: Object.fromEntries(heaps.map(({ thread, heapBytes }) => [thread, heapBytes])),
      resources: Object.fromEntries(
        heaps.flatMap(({ thread, resources }) =>
          Object.entries(resources).map(([kind, count]) => [`${thread} ${kind}`, count]),
        ),
      ),
      rssBytes: process.memoryUsage.rss(),
      openFiles: readdirSync('/proc/self/fd').length,
    };
  }

  close(): void {
    this.#channel.close();
  }
}

/** Bytes that each transfer left behind in each thread: the slope of the line through the samples. */
export function growthPerTransfer(samples: readonly Sample[]): Record<string, number> {
  return Object.fromEntries(
    THREADS.map((thread) => [
      thread,
      Math.round(slope(samples.map(({ transfers, heapBytes }) => [transfers, heapBytes[thread] ?? 0]))),
    ]),
  );
}

/** Of the line through the points, by least squares. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return under === 0 ? 0 : over / under;
}
