import { EventEmitter } from 'node:events';
import { Worker, type MessagePort } from 'node:worker_threads';
import type { OrderResult } from '../call/call-io.js';
import type { CallOrder, CallRecord } from '../call/call-record.js';
import type { CallPlan } from '../call/project.js';
import { RelevoError } from '../common/errors.js';
import type {
  FromSignalling,
  SignallingStats,
  SignallingThreadOptions,
  SignallingTrunks,
  ToSignalling,
} from './thread-messages.js';

/** What the control thread hears of the signalling thread. */
export interface SignallingHostEvents {
  records: [records: readonly CallRecord[]];
  controlServer: [state: ControlServerState];
  /** The thread died by itself: its calls are gone. Not said after `close`. */
  died: [cause: Error];
}

export interface ControlServerState {
  readonly connected: boolean;
  readonly detail: string;
}

const STATS_WAIT_MS = 2000;
const ORDER_WAIT_MS = 5000;
const START_WAIT_MS = 15_000;
const CLOSE_WAIT_MS = 5000;

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: Error) => void;
  readonly patience: NodeJS.Timeout;
}

/** The control thread's handle of one signalling thread. */
export class SignallingHost extends EventEmitter<SignallingHostEvents> {
  readonly #worker: Worker;
  readonly #orders = new Map<string, Waiting<OrderResult>>();
  readonly #stats = new Map<string, Waiting<SignallingStats>>();
  readonly #trunks = new Map<string, Waiting<SignallingTrunks>>();
  readonly #exited: Promise<void>;
  #onReady: (() => void) | null = null;
  #controlServer: ControlServerState = { connected: false, detail: 'not connected yet' };
  #next = 0;
  #state: 'running' | 'closing' | 'gone' = 'running';

  constructor(options: SignallingThreadOptions) {
    super();
    this.#worker = new Worker(new URL('./signalling-thread.js', import.meta.url), {
      workerData: options,
      name: 'signalling',
    });
    this.#worker.on('message', (message: FromSignalling) => this.#onMessage(message));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#onGone(new Error(`the signalling thread ended with code ${code}`));
        resolve();
      });
    });
    this.#worker.on('error', (cause) => this.#onGone(cause));
  }

  /** Whether the thread is connected to its drachtio server, and why not. */
  get controlServer(): ControlServerState {
    return this.#controlServer;
  }

  /** Resolves when the thread has started; rejects with `signalling_start_failed`. */
  started(): Promise<void> {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(
        () => fail(new Error(`not ready after ${START_WAIT_MS} ms`)),
        START_WAIT_MS,
      );
      const done = (): void => {
        clearTimeout(patience);
        this.off('died', fail);
        this.#onReady = null;
      };
      const fail = (cause: Error): void => {
        done();
        reject(
          new RelevoError(
            'signalling_start_failed',
            `the signalling thread did not start: ${cause.message}`,
            'See the log lines of the thread "signalling".',
            { cause },
          ),
        );
      };
      this.on('died', fail);
      this.#onReady = () => {
        done();
        resolve();
      };
    });
  }

  /** Resolves once calls can come in; rejects with `control_server_unreachable` after `timeoutMs`. */
  connected(timeoutMs: number): Promise<void> {
    if (this.#controlServer.connected) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(patience);
        this.off('controlServer', look);
      };
      const look = (state: ControlServerState): void => {
        if (!state.connected) return;
        stop();
        resolve();
      };
      const patience = setTimeout(() => {
        stop();
        reject(
          new RelevoError(
            'control_server_unreachable',
            `no connection to the drachtio server after ${timeoutMs} ms: ${this.#controlServer.detail}`,
            'Check host, port and secret of the engine, and that it runs.',
          ),
        );
      }, timeoutMs);
      this.on('controlServer', look);
    });
  }

  /** Hands over the port to media worker `index`; it replaces the former one. */
  attachMediaWorker(index: number, port: MessagePort): void {
    this.#post({ kind: 'mediaWorker', index, port }, [port]);
  }

  /** Hands over the port to the policy thread; it replaces the former one. */
  attachPolicy(port: MessagePort): void {
    this.#post({ kind: 'policy', port }, [port]);
  }

  /** A new plan for calls to come. */
  setPlan(plan: CallPlan): void {
    this.#post({ kind: 'plan', plan });
  }

  /** Refuses new calls from now on. */
  drain(): void {
    this.#post({ kind: 'drain' });
  }

  /** Gives an order to a call. A thread that does not answer refuses with `signalling_unavailable`. */
  async order(callId: string, order: CallOrder): Promise<OrderResult> {
    const orderId = `o${++this.#next}`;
    try {
      return await this.#ask(this.#orders, orderId, ORDER_WAIT_MS, { kind: 'order', orderId, callId, order });
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      return { accepted: false, code: 'signalling_unavailable', detail };
    }
  }

  /** Rejects with `signalling_unavailable` where the thread is gone or does not answer in time. */
  stats(): Promise<SignallingStats> {
    const requestId = `s${++this.#next}`;
    return this.#ask(this.#stats, requestId, STATS_WAIT_MS, { kind: 'getStats', requestId });
  }

  /** Trunks and destinations as the thread knows them; rejects as `stats` does. */
  trunks(): Promise<SignallingTrunks> {
    const requestId = `t${++this.#next}`;
    return this.#ask(this.#trunks, requestId, STATS_WAIT_MS, { kind: 'getTrunks', requestId });
  }

  #ask<Answer>(
    waiting: Map<string, Waiting<Answer>>,
    id: string,
    waitMs: number,
    message: ToSignalling,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'gone') {
        reject(unavailable('it is gone'));
        return;
      }
      const patience = setTimeout(() => {
        waiting.delete(id);
        reject(unavailable(`no answer within ${waitMs} ms`));
      }, waitMs);
      waiting.set(id, { resolve, reject, patience });
      this.#post(message);
    });
  }

  #post(message: ToSignalling, transfer: readonly MessagePort[] = []): void {
    if (this.#state !== 'gone') this.#worker.postMessage(message, [...transfer]);
  }

  #onMessage(message: FromSignalling): void {
    switch (message.kind) {
      case 'ready':
        this.#onReady?.();
        return;
      case 'records':
        this.emit('records', message.records);
        return;
      case 'orderResult':
        settle(this.#orders, message.orderId, message.result);
        return;
      case 'stats':
        settle(this.#stats, message.requestId, message.stats);
        return;
      case 'trunks':
        settle(this.#trunks, message.requestId, message.trunks);
        return;
      case 'controlServer':
        this.#controlServer = { connected: message.connected, detail: message.detail };
        this.emit('controlServer', this.#controlServer);
        return;
      case 'closed':
        return;
    }
  }

  #onGone(cause: Error): void {
    if (this.#state === 'gone') return;
    const expected = this.#state === 'closing';
    this.#state = 'gone';
    this.#controlServer = { connected: false, detail: cause.message };
    for (const waiting of [this.#orders, this.#stats, this.#trunks]) {
      for (const { reject, patience } of waiting.values()) {
        clearTimeout(patience);
        reject(unavailable(cause.message));
      }
      waiting.clear();
    }
    if (!expected) this.emit('died', cause);
  }

  /** Ends every call and the thread; one that does not end within `timeoutMs` is stopped. Idempotent. */
  async close(timeoutMs: number = CLOSE_WAIT_MS): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'closing';
      this.#worker.postMessage({ kind: 'close' } satisfies ToSignalling);
    }
    if (this.#state === 'closing') {
      const patience = setTimeout(() => void this.#worker.terminate(), timeoutMs);
      await this.#exited;
      clearTimeout(patience);
    }
    await this.#exited;
  }
}

/** Starts the signalling thread; it connects to its drachtio server by itself (see `controlServer`, `connected`). */
export async function startSignallingThread(options: SignallingThreadOptions): Promise<SignallingHost> {
  const host = new SignallingHost(options);
  await host.started();
  return host;
}

function settle<Answer>(waiting: Map<string, Waiting<Answer>>, id: string, answer: Answer): void {
  const found = waiting.get(id);
  if (!found) return;
  waiting.delete(id);
  clearTimeout(found.patience);
  found.resolve(answer);
}

const unavailable = (why: string): RelevoError =>
  new RelevoError(
    'signalling_unavailable',
    `the signalling thread does not answer: ${why}`,
    'See the log lines of the thread "signalling".',
  );
