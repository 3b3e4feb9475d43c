import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { ProjectRules } from '../call/decision.js';
import { realClock, type Clock, type Timer } from '../common/clock.js';
import { RelevoError } from '../common/errors.js';
import type { LogLevel, Logger } from '../common/log.js';
import type {
  ControlToPolicy,
  PolicyCounters,
  PolicyThreadData,
  PolicyToControl,
} from './control-messages.js';

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** A thread that ran this long had started well: its next crash begins the back-off anew. */
const STABLE_AFTER_MS = 30_000;
const MAX_WATCH_EVERY_MS = 2_000;
const STATS_WAIT_MS = 500;

export interface PolicyThreadOptions {
  readonly projects: ProjectRules;
  readonly logLevel: LogLevel;
  readonly log: Logger;
  /** A new thread replaced a dead one: former ports are dead, so connect() again and hand the port on. */
  readonly onRestarted: () => void;
  /** A thread that answers nothing for this long is replaced (default 15 s). */
  readonly hangLimitMs?: number;
  /** Allows `block` and `crash`: tests and benchmarks only. */
  readonly allowFaults?: boolean;
  readonly clock?: Clock;
}

export interface PolicyThreadStats {
  /** False where the thread did not answer in time: the counters are then the last known. */
  readonly responding: boolean;
  readonly restarts: number;
  /** Of the current thread; a restart begins them anew. */
  readonly counters: PolicyCounters;
}

export interface PolicyThread {
  /**
   * A port that speaks thread-messages.ts, to be transferred to a signalling thread. While the thread is down the
   * port is closed at its far end: `onRestarted` is the time to connect again.
   */
  connect(): MessagePort;
  /** New rules for every question from now on. They must have passed `checkExpression`. */
  setProjects(projects: ProjectRules): void;
  /** Resolves within half a second, whatever the thread does. */
  stats(): Promise<PolicyThreadStats>;
  /** Blocks the thread (tests and benchmarks, with `allowFaults`). */
  block(ms: number): void;
  /** Kills the thread by an exception (tests, with `allowFaults`). */
  crash(): void;
  /** Idempotent; resolves when the thread is gone. */
  close(): Promise<void>;
}

type State =
  | {
      readonly kind: 'running';
      readonly worker: Worker;
      readonly startedAt: number;
      heardAt: number;
      /** It has spoken: from then on its silence is a hang, and not a slow start. */
      started: boolean;
    }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

const NO_COUNTERS: PolicyCounters = {
  asked: 0,
  transfers: 0,
  byRule: {},
  expressionErrors: 0,
  badMessages: 0,
};

/** A thread on a machine under full load may take seconds to come up. */
const START_LIMIT_MS = 15_000;

/** Starts the policy thread and resolves once it answers. A crash or a hang replaces it, with a back-off. */
export async function startPolicyThread(options: PolicyThreadOptions): Promise<PolicyThread> {
  const host = new PolicyThreadHost(options);
  await host.started;
  return host;
}

class PolicyThreadHost implements PolicyThread {
  readonly started: Promise<void>;
  readonly #options: PolicyThreadOptions;
  readonly #clock: Clock;
  readonly #hangLimitMs: number;
  readonly #watchEveryMs: number;
  #projects: ProjectRules;
  #state: State;
  #watch: Timer;
  #restarts = 0;
  #backoffMs = FIRST_BACKOFF_MS;
  #lastCounters = NO_COUNTERS;
  #nextRequest = 0;
  readonly #statsWaiting = new Map<number, (responding: boolean) => void>();
  #settleStart: { resolve: () => void; reject: (cause: Error) => void } | null = null;

  constructor(options: PolicyThreadOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#hangLimitMs = options.hangLimitMs ?? 15_000;
    this.#watchEveryMs = Math.min(MAX_WATCH_EVERY_MS, this.#hangLimitMs / 2);
    this.#projects = options.projects;
    this.started = new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
    });
    this.#state = this.#start();
    this.#watch = this.#clock.after(this.#watchEveryMs, () => this.#checkHang());
  }

  connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    if (this.#state.kind === 'running') this.#post({ kind: 'signalling', port: port2 }, [port2]);
    else port2.close();
    return port1;
  }

  setProjects(projects: ProjectRules): void {
    this.#projects = projects;
    this.#post({ kind: 'plan', projects });
  }

  stats(): Promise<PolicyThreadStats> {
    return new Promise((resolve) => {
      const requestId = this.#nextRequest++;
      const timer = this.#clock.after(STATS_WAIT_MS, () => finish(false));
      const finish = (responding: boolean): void => {
        timer.cancel();
        this.#statsWaiting.delete(requestId);
        resolve({ responding, restarts: this.#restarts, counters: this.#lastCounters });
      };
      this.#statsWaiting.set(requestId, finish);
      if (!this.#post({ kind: 'getStats', requestId })) finish(false);
    });
  }

  block(ms: number): void {
    this.#post({ kind: 'block', ms });
  }

  crash(): void {
    this.#post({ kind: 'crash' });
  }

  async close(): Promise<void> {
    const before = this.#state;
    this.#state = { kind: 'closed' };
    this.#watch.cancel();
    for (const finish of [...this.#statsWaiting.values()]) finish(false);
    if (before.kind === 'waiting') before.timer.cancel();
    if (before.kind === 'running') await before.worker.terminate();
  }

  #start(): State {
    const data: PolicyThreadData = {
      projects: this.#projects,
      logLevel: this.#options.logLevel,
      allowFaults: this.#options.allowFaults ?? false,
    };
    const worker = new Worker(new URL('./policy-thread.js', import.meta.url), {
      workerData: data,
      name: 'policy',
    });
    let cause = 'exit';
    worker.on('message', (message: PolicyToControl) => this.#heard(worker, message));
    worker.on('error', (error) => {
      cause = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => this.#exited(worker, cause));
    const now = this.#clock.now();
    return { kind: 'running', worker, startedAt: now, heardAt: now, started: false };
  }

  #heard(worker: Worker, message: PolicyToControl): void {
    if (this.#state.kind !== 'running' || this.#state.worker !== worker) return;
    this.#state.heardAt = this.#clock.now();
    this.#state.started = true;
    if (message.kind === 'ready') {
      this.#settleStart?.resolve();
      this.#settleStart = null;
      return;
    }
    this.#lastCounters = message.counters;
    this.#statsWaiting.get(message.requestId)?.(true);
  }

  #exited(worker: Worker, cause: string): void {
    if (this.#state.kind !== 'running' || this.#state.worker !== worker) return;
    if (this.#settleStart) {
      this.#settleStart.reject(
        new RelevoError('policy_start_failed', `the policy thread did not start: ${cause}`, 'see the log'),
      );
      this.#settleStart = null;
      this.#state = { kind: 'closed' };
      this.#watch.cancel();
      return;
    }
    if (this.#clock.now() - this.#state.startedAt >= STABLE_AFTER_MS) this.#backoffMs = FIRST_BACKOFF_MS;
    const delayMs = this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS);
    this.#options.log.error({ cause, delayMs }, 'policy_thread_died: calls go on by the default decision');
    for (const finish of [...this.#statsWaiting.values()]) finish(false);
    this.#state = { kind: 'waiting', timer: this.#clock.after(delayMs, () => this.#restart()) };
  }

  #restart(): void {
    this.#restarts += 1;
    this.#lastCounters = NO_COUNTERS;
    this.#state = this.#start();
    this.#options.onRestarted();
  }

  #checkHang(): void {
    if (this.#state.kind === 'closed') return;
    this.#watch = this.#clock.after(this.#watchEveryMs, () => this.#checkHang());
    if (this.#state.kind !== 'running') return;
    const silentMs = this.#clock.now() - this.#state.heardAt;
    const limitMs = this.#state.started ? this.#hangLimitMs : Math.max(this.#hangLimitMs, START_LIMIT_MS);
    if (silentMs >= limitMs) {
      this.#options.log.error({ silentMs: Math.round(silentMs) }, 'policy_thread_hung: replacing it');
      this.#state.worker.terminate().catch((thrown: unknown) => {
        this.#options.log.error({ cause: String(thrown) }, 'policy_thread_terminate_failed');
      });
      return;
    }
    this.#post({ kind: 'getStats', requestId: this.#nextRequest++ });
  }

  #post(message: ControlToPolicy, transfer: MessagePort[] = []): boolean {
    if (this.#state.kind !== 'running') return false;
    this.#state.worker.postMessage(message, transfer);
    return true;
  }
}
