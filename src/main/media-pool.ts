import { availableParallelism } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import type { MediaSettings, RtpengineNode } from '../config/relevo-config.js';
import { messageOf } from '../common/errors.js';
import type { Logger, LogLevel } from '../common/log.js';
import { startMediaWorkers, startRtpengineLink, type MediaWorkers } from '../media/media-worker-host.js';
import type { MediaWorkerStats, PortRange } from '../media/worker-messages.js';

const MAX_AUTO_WORKERS = 16;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 10_000;

export interface MediaPoolOptions {
  readonly settings: MediaSettings;
  readonly logLevel: LogLevel;
  readonly log: Logger;
  /** A worker replaced the dead one of this index: its new port is to be handed to signalling. */
  readonly onReplaced: (index: number, port: MessagePort) => void;
  /** Makes a worker's port to the thread that writes recordings. */
  readonly recorder?: () => MessagePort;
  /** Another way to start a worker, for tests. */
  readonly startWorkers?: typeof startMediaWorkers;
}

type Slot =
  | { readonly kind: 'up'; readonly workers: MediaWorkers }
  | { readonly kind: 'restarting'; readonly timer: NodeJS.Timeout | null };

/** The media workers, each with its share of the ports and each replaced by itself when it dies. */
export class MediaPool {
  readonly #options: MediaPoolOptions;
  /** One thread for each range, or for each rtpengine. */
  readonly #ranges: readonly PortRange[];
  readonly #nodes: readonly RtpengineNode[];
  readonly #slots: Slot[] = [];
  readonly #starting = new Set<Promise<void>>();
  #closed = false;

  private constructor(options: MediaPoolOptions) {
    this.#options = options;
    const { kind, ports, nodes } = options.settings;
    this.#nodes = kind === 'rtpengine' ? nodes : [];
    this.#ranges = kind === 'rtpengine' ? [] : portShares(ports, workerCount(options.settings));
  }

  /**
   * Resolves when every worker is ready; on a failure none is left. Of several rtpengines one is enough: the others
   * are tried again and again.
   */
  static async start(options: MediaPoolOptions): Promise<MediaPool> {
    const pool = new MediaPool(options);
    try {
      for (const index of pool.#ranges.keys()) await pool.#startWorker(index);
      await pool.#startLinks();
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** A new port to each running worker, by index. */
  connect(): { readonly index: number; readonly port: MessagePort }[] {
    return this.#slots.flatMap((slot, index) =>
      slot.kind === 'up' ? slot.workers.connect().map((port) => ({ index, port })) : [],
    );
  }

  /** Another thread writes recordings from now on. */
  recorderReplaced(): void {
    const { recorder } = this.#options;
    if (!recorder) return;
    for (const slot of this.#slots) if (slot.kind === 'up') slot.workers.record(recorder);
  }

  states(): Record<string, 'up' | 'restarting'> {
    return Object.fromEntries(this.#slots.map(({ kind }, index) => [`media-${index}`, kind]));
  }

  /** By index; a worker that is being replaced has none. */
  async stats(): Promise<{ readonly index: number; readonly stats: MediaWorkerStats }[]> {
    const found = await Promise.all(
      this.#slots.map(async (slot, index) => {
        if (slot.kind !== 'up') return [];
        return (await slot.workers.stats()).map((stats) => ({ index, stats }));
      }),
    );
    return found.flat();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const slot of this.#slots) if (slot.kind === 'restarting' && slot.timer) clearTimeout(slot.timer);
    await Promise.all([...this.#starting]);
    await Promise.all(this.#slots.flatMap((slot) => (slot.kind === 'up' ? [slot.workers.close()] : [])));
  }

  async #startLinks(): Promise<void> {
    const failures: unknown[] = [];
    for (const [index, { address, port }] of this.#nodes.entries()) {
      try {
        await this.#startWorker(index);
      } catch (cause) {
        failures.push(cause);
        this.#options.log.error(
          { code: 'rtpengine_unreachable', node: `${address}:${port}`, cause: messageOf(cause) },
          'an rtpengine cannot be used yet: it is tried again',
        );
        this.#replaceLater(index, FIRST_RETRY_MS);
      }
    }
    if (failures.length > 0 && failures.length === this.#nodes.length) throw failures[0];
  }

  async #startWorker(index: number): Promise<MediaWorkers> {
    const { settings, logLevel, recorder } = this.#options;
    const node = this.#nodes[index];
    const portRange = this.#ranges[index] ?? { first: settings.ports.min, last: settings.ports.max };
    const start = this.#options.startWorkers ?? startMediaWorkers;
    const workers = node
      ? await startRtpengineLink({ index, node, logLevel })
      : await start({
          count: 1,
          address: settings.address,
          address6: settings.ipv6?.address ?? null,
          portRange,
          oneWayAudioAfterMs: settings.oneWayAudioAfterMs,
          logLevel,
          ...(recorder && { recorder }),
        });
    this.#slots[index] = { kind: 'up', workers };
    workers.onExit((_index, cause) => {
      if (this.#closed) return;
      this.#options.log.error(
        { code: 'media_worker_died', worker: index, cause },
        'media worker died: its calls go on at another one; it is replaced',
      );
      void workers.close();
      this.#replaceLater(index, FIRST_RETRY_MS);
    });
    return workers;
  }

  #replaceLater(index: number, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#slots[index] = { kind: 'restarting', timer: null };
      const attempt = this.#replace(index, delayMs).finally(() => this.#starting.delete(attempt));
      this.#starting.add(attempt);
    }, delayMs);
    this.#slots[index] = { kind: 'restarting', timer };
  }

  async #replace(index: number, delayMs: number): Promise<void> {
    try {
      const workers = await this.#startWorker(index);
      const port = workers.connect()[0];
      if (port && !this.#closed) this.#options.onReplaced(index, port);
      this.#options.log.info({ worker: index }, 'media worker replaced');
    } catch (error) {
      this.#options.log.error(
        { worker: index, cause: messageOf(error) },
        'media worker cannot be replaced yet',
      );
      if (!this.#closed) this.#replaceLater(index, Math.min(delayMs * 2, MAX_RETRY_MS));
    }
  }
}

/** `auto`: the cores less one, for signalling; at least one. */
export function workerCount({ workers }: Pick<MediaSettings, 'workers'>): number {
  return workers === 'auto' ? Math.max(1, Math.min(MAX_AUTO_WORKERS, availableParallelism() - 1)) : workers;
}

/** Splits a port range into equal shares that begin on even ports (RTP even, RTCP odd). */
export function portShares(
  ports: { readonly min: number; readonly max: number },
  count: number,
): PortRange[] {
  const pairs = Math.floor((ports.max - ports.min + 1) / 2);
  return Array.from({ length: count }, (_, index) => ({
    first: ports.min + 2 * Math.floor((pairs * index) / count),
    last: ports.min + 2 * Math.floor((pairs * (index + 1)) / count) - 1,
  }));
}
