import { ThreadLoad } from '../common/thread-load.js';
import type { EngineThreadStats } from '../engine/engine-thread-messages.js';
import type { NodeReadings, ThreadReading } from '../observe/metrics.js';
import type { SignallingStats } from '../signalling/thread-messages.js';
import type { MediaPool } from './media-pool.js';
import type { NodeObserver } from './node-observer.js';

/** Readings are shared by all who ask within this time, so that a flood of requests does not reach the threads. */
const FRESH_MS = 1000;
const WAIT_MS = 1500;

export interface MetricSources {
  readonly observer: NodeObserver;
  /** Null where the engine is an external drachtio-server. */
  readonly engine: (() => Promise<EngineThreadStats>) | null;
  readonly signalling: () => Promise<SignallingStats>;
  readonly media: () => MediaPool | null;
}

/** Collects the counters of all threads for the metrics. */
export class NodeMetrics {
  readonly #sources: MetricSources;
  readonly #load = new ThreadLoad();
  #last: { readonly atMs: number; readonly text: Promise<string> } | null = null;
  #signalling: SignallingStats | null = null;
  #engine: EngineThreadStats | null = null;

  constructor(sources: MetricSources) {
    this.#sources = sources;
  }

  /** Prometheus text. A thread that does not answer keeps its last figures. */
  text(): Promise<string> {
    const now = performance.now();
    if (this.#last && now - this.#last.atMs < FRESH_MS) return this.#last.text;
    const text = this.#read();
    this.#last = { atMs: now, text };
    return text;
  }

  close(): void {
    this.#load.close();
  }

  async #read(): Promise<string> {
    const { observer, engine, signalling, media } = this.#sources;
    const pool = media();
    const [fromSignalling, fromEngine, fromMedia] = await Promise.all([
      within(signalling()),
      engine ? within(engine()) : null,
      pool ? within(pool.stats()) : null,
    ]);
    this.#signalling = fromSignalling ?? this.#signalling;
    this.#engine = fromEngine ?? this.#engine;
    const threads: ThreadReading[] = [{ thread: 'control', ...this.#load.read() }];
    if (this.#engine) threads.push({ thread: 'engine', ...this.#engine });
    if (this.#signalling) threads.push({ thread: 'signalling', ...this.#signalling });
    for (const { index, stats } of fromMedia ?? []) threads.push({ thread: `media-${index}`, ...stats });
    const readings: NodeReadings = {
      threads,
      refused: this.#signalling?.refused ?? {},
      held: {
        signalling: this.#signalling,
        mediaLegs: fromMedia && sum(fromMedia, ({ stats }) => stats.legs),
        engine: this.#engine,
      },
      policyLate: this.#signalling?.policyLate ?? 0,
      policyAnswered: this.#signalling?.policyAnswered ?? 0,
      badMessages: (this.#signalling?.badMessages ?? 0) + (this.#engine?.malformed ?? 0),
      loginChallenges: this.#signalling?.loginChallenges ?? 0,
      authFailures: this.#signalling?.authFailures ?? 0,
      registered: this.#signalling?.registered ?? {},
      sipMessages: this.#engine ? { in: this.#engine.received, out: this.#engine.sent } : null,
      engine: this.#engine && engineReadings(this.#engine),
      rtp: fromMedia
        ? {
            received: sum(fromMedia, ({ stats }) => stats.packetsReceived),
            relayed: sum(fromMedia, ({ stats }) => stats.packetsRelayed),
            generated: sum(fromMedia, ({ stats }) => stats.packetsGenerated),
            rejected: sum(fromMedia, ({ stats }) => stats.packetsRejected),
            portsInUse: sum(fromMedia, ({ stats }) => stats.portsInUse),
            portsTotal: sum(fromMedia, ({ stats }) => stats.portsTotal),
            recordings: sum(fromMedia, ({ stats }) => stats.recordings),
            recordingsFailed: sum(fromMedia, ({ stats }) => stats.recordingsFailed),
          }
        : null,
      cdr: observer.cdr?.stats ?? null,
      webhooks: observer.webhooks.stats(),
      droppedEventClients: observer.events.droppedClients,
      ladder: observer.ladders.stats,
    };
    observer.metrics.read(observer.book, readings, observer.sipCounts());
    return observer.metrics.text();
  }
}

function engineReadings(stats: EngineThreadStats): NonNullable<NodeReadings['engine']> {
  const { protection } = stats;
  return {
    keptOut: {
      denied: protection.denied,
      unknown: protection.unknownSources,
      banned: protection.dropped,
      scanner: protection.scanners,
      rate: protection.callsRefused,
      limit: protection.callsBeyondLimit,
      overload: protection.callsShed,
      malformed: protection.malformedUnanswered,
      connection: stats.refusedConnections,
    },
    pathsFailed: { silent: stats.pathsSilent, closed_port: stats.portsClosed },
    keepAlivesSent: stats.keepAlivesSent,
    untraced: stats.tapDropped,
    connections: stats.tcpConnections,
    bannedSources: protection.banned,
  };
}

/** The answer, or null where it fails or is late: metrics must come even when a thread hangs. */
async function within<T>(asked: Promise<T>): Promise<T | null> {
  let late: NodeJS.Timeout | undefined;
  const bound = new Promise<null>((resolve) => {
    late = setTimeout(() => resolve(null), WAIT_MS);
  });
  try {
    return await Promise.race([asked.catch(() => null), bound]);
  } finally {
    clearTimeout(late);
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
