import { startApi, type ApiServer } from '../api/api-server.js';
import type { DryRunReport, DryRunRequest } from '../api/dry-run-schema.js';
import type { NodeControl, NodeHealth, PartState, ReloadReport } from '../api/node-control.js';
import type { TrunkView } from '../api/trunk-schema.js';
import type { OrderResult } from '../call/call-io.js';
import type { CallOrder } from '../call/call-record.js';
import { realClock } from '../common/clock.js';
import { RelevoError } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import { secureRandom } from '../common/random.js';
import type { LoadedConfig } from '../config/load-config.js';
import type { RelevoConfig } from '../config/relevo-config.js';
import { rulesByProject } from '../config/rules-by-project.js';
import { startPolicyThread, type PolicyThread } from '../policy/policy-thread-host.js';
import { startSignallingThread, type SignallingHost } from '../signalling/signalling-thread-host.js';
import { applyReload } from './apply-reload.js';
import { Closers } from './closers.js';
import { ControlServer, type SipListener } from './control-server.js';
import { dryRun } from './dry-run/dry-run.js';
import { MediaPool, type MediaPoolOptions } from './media-pool.js';
import { startRecording } from './start-recording.js';
import { NodeMetrics } from './node-metrics.js';
import { NodeObserver } from './node-observer.js';
import { trunkOfDestination, trunkViews } from './trunk-views.js';

export type { SipListener } from './control-server.js';

const POLICY_WATCH_MS = 1000;
const CONNECT_MS = 10_000;
const EXTERNAL_CONNECT_MS = 30_000;

/** Why a node ended. `failure` is set where it did so by itself: a supervisor should start it again. */
export interface NodeEnd {
  readonly failure: RelevoError | null;
}

export interface RunningNodeOptions {
  readonly reload: (() => LoadedConfig) | null;
  readonly drainMs: number;
  readonly version: string;
  readonly log: Logger;
  /** Another way to start a media worker, for tests. */
  readonly startMediaWorkers?: MediaPoolOptions['startWorkers'];
  /** Another way to start signalling, for tests. */
  readonly startSignalling?: typeof startSignallingThread;
  /** Another way to start the policy, for tests. */
  readonly startPolicy?: typeof startPolicyThread;
}

/** Phases of a node; each is only ever followed by a later one. */
type Phase = 'starting' | 'running' | 'draining' | 'closing' | 'closed';

/** A node and the supervision of its threads. */
export class RunningNode implements NodeControl {
  readonly observer: NodeObserver;
  readonly ended: Promise<NodeEnd>;
  readonly #options: RunningNodeOptions;
  readonly #log: Logger;
  readonly #closers: Closers;
  readonly #metrics: NodeMetrics;
  readonly #startedAt = performance.now();
  #config: RelevoConfig;
  #phase: Phase = 'starting';
  #failure: RelevoError | null = null;
  #resolveEnded: (end: NodeEnd) => void = () => undefined;
  #server: ControlServer | null = null;
  #media: MediaPool | null = null;
  #policy: PolicyThread | null = null;
  #policyState: PartState = 'down';
  #signalling: SignallingHost | null = null;
  #api: ApiServer | null = null;
  #draining: Promise<void> | null = null;
  #watch: NodeJS.Timeout | undefined;
  #cutDrain: () => void = () => undefined;

  constructor(config: RelevoConfig, options: RunningNodeOptions) {
    this.#config = config;
    this.#options = options;
    this.#log = options.log;
    this.#closers = new Closers(options.log);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.observer = new NodeObserver({
      keepCalls: config.observe.keepCalls,
      cdrFile: config.observe.cdrFile,
      webhooks: config.observe.webhooks,
      version: options.version,
      epoch: secureRandom().token(4),
      log: options.log,
      trunkOf: (destination) => trunkOfDestination(this.#config.plan, destination),
    });
    this.#metrics = new NodeMetrics({
      observer: this.observer,
      engine: config.engine.kind === 'embedded' ? () => this.#part(this.#server).stats() : null,
      signalling: () => this.#part(this.#signalling).stats(),
      media: () => this.#media,
    });
  }

  get sipListeners(): readonly SipListener[] {
    return this.#server?.listeners ?? [];
  }

  get apiAddress(): { readonly url: string; readonly address: string; readonly port: number } {
    const { url, address, port } = this.#part(this.#api);
    return { url, address, port };
  }

  /** Starts the parts, each after those that it needs. Closes what had started where one cannot. */
  async start(): Promise<void> {
    this.#closers.push('observer', async () => {
      this.#metrics.close();
      await this.observer.close();
    });
    try {
      await this.#startParts();
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.#failure) {
      await this.close();
      throw this.#failure;
    }
    if (this.#phase === 'starting') this.#phase = 'running';
    this.#log.info(
      { listeners: this.sipListeners, api: this.apiAddress.url, config: this.#config.source },
      'node started',
    );
  }

  async #startParts(): Promise<void> {
    const { api, engine, log, media, plan } = this.#config;
    const logLevel = log.level;
    const random = secureRandom();

    const server = await startApi({
      node: this,
      book: this.observer.book,
      events: this.observer.events,
      ladders: this.observer.ladders,
      clock: realClock,
      random,
      version: this.#options.version,
      address: api.address,
      port: api.port,
      tokens: api.tokens,
      log: this.#log,
    });
    this.#api = server;
    this.#closers.push('api', () => server.close());

    const control = await ControlServer.start(this.#config, {
      secret: random.token(16),
      log: this.#log,
      onSip: (message) => this.observer.takeSip(message),
      onFailure: (error) => this.#fail(error),
    });
    this.#server = control;
    this.#closers.push('engine', () => control.close());

    const recording = await startRecording(plan, logLevel, this.#log);
    if (recording) this.#closers.push('recording', () => recording.close());
    const pool = await MediaPool.start({
      settings: media,
      logLevel,
      log: this.#log,
      onReplaced: (index, port) => this.#signalling?.attachMediaWorker(index, port),
      ...(recording && { recorder: () => recording.connect() }),
      ...(this.#options.startMediaWorkers && { startWorkers: this.#options.startMediaWorkers }),
    });
    this.#media = pool;
    this.#closers.push('media', () => pool.close());

    const policy = await (this.#options.startPolicy ?? startPolicyThread)({
      projects: rulesByProject(plan),
      logLevel,
      log: this.#log,
      onRestarted: () => this.#signalling?.attachPolicy(policy.connect()),
    });
    this.#policy = policy;
    this.#policyState = 'up';
    this.#watch = setInterval(() => void this.#watchPolicy(policy), POLICY_WATCH_MS);
    this.#closers.push('policy', () => policy.close());

    const signalling = await (this.#options.startSignalling ?? startSignallingThread)({
      logLevel,
      control: control.address,
      plan,
      mediaAddress: media.advertise,
      mediaAddress6: media.ipv6?.advertise ?? null,
      mixes: media.kind === 'embedded',
      loopAddress: media.address === '0.0.0.0' ? '127.0.0.1' : media.address,
    });
    this.#signalling = signalling;
    this.#closers.push('signalling', () => signalling.close());
    signalling.on('records', (records) => this.observer.take(records));
    signalling.on('died', (cause) =>
      this.#fail(
        new RelevoError(
          'signalling_died',
          `the signalling thread died: ${cause.message}`,
          'Start the node again (a supervisor does), and report the log of the thread "signalling".',
          { cause },
        ),
      ),
    );
    signalling.on('controlServer', ({ connected, detail }) => {
      if (connected) this.#log.info({ detail }, 'signalling is connected to its SIP engine');
      else this.#log.error({ code: 'control_server_lost', detail }, 'signalling has lost its SIP engine');
    });
    for (const { index, port } of pool.connect()) signalling.attachMediaWorker(index, port);
    signalling.attachPolicy(policy.connect());
    await signalling.connected(engine.kind === 'embedded' ? CONNECT_MS : EXTERNAL_CONNECT_MS);
  }

  async order(callId: string, order: CallOrder): Promise<OrderResult> {
    const result = await this.#part(this.#signalling).order(callId, order);
    if (!result.accepted && result.code === 'signalling_unavailable')
      throw new RelevoError(
        result.code,
        result.detail,
        'The order may have been taken: look at the call before you repeat it.',
      );
    return result;
  }

  async reload(): Promise<ReloadReport> {
    const { config, report } = await applyReload(this.#options.reload, {
      config: this.#config,
      observer: this.observer,
      api: this.#part(this.#api),
      policy: this.#part(this.#policy),
      signalling: this.#part(this.#signalling),
      server: this.#part(this.#server),
      log: this.#log,
    });
    this.#config = config;
    return report;
  }

  beginDrain(): { readonly calls: number; readonly withinMs: number } {
    void this.drain();
    return { calls: this.observer.book.liveCalls, withinMs: this.#options.drainMs };
  }

  /** Takes no new calls, waits for the live ones within the bound, then closes. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  health(): NodeHealth {
    const connected = this.#signalling?.controlServer.connected ?? false;
    const parts: Record<string, PartState> = {
      engine: this.#server?.state ?? 'down',
      signalling: this.#signalling && this.#failure === null ? 'up' : 'down',
      policy: this.#policyState,
      ...this.#media?.states(),
    };
    const media = Object.entries(parts).filter(([name]) => name.startsWith('media-'));
    const works =
      connected &&
      parts.engine === 'up' &&
      parts.signalling === 'up' &&
      media.some(([, state]) => state === 'up');
    const whole = Object.values(parts).every((state) => state === 'up');
    return {
      status: !works || this.#failure ? 'failing' : whole ? 'ok' : 'degraded',
      draining: this.#phase !== 'running' && this.#phase !== 'starting',
      controlServer: connected,
      parts,
      calls: this.observer.book.liveCalls,
      uptimeS: Math.round((performance.now() - this.#startedAt) / 1000),
    };
  }

  async dryRun(request: DryRunRequest): Promise<DryRunReport> {
    const { directory, admission } = await this.#part(this.#signalling).trunks();
    const { plan, listen } = this.#config;
    const host = listen[0]?.advertise ?? 'localhost';
    return dryRun(request, { plan, host, state: directory, admission, nowMs: realClock.wallMs() });
  }

  async trunks(): Promise<readonly TrunkView[]> {
    const found = await this.#part(this.#signalling).trunks();
    return trunkViews(this.#config.plan, found, (trunk) => this.observer.trunks.of(trunk));
  }

  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  async close(): Promise<void> {
    if (this.#phase !== 'closed') this.#phase = 'closing';
    this.#cutDrain();
    clearInterval(this.#watch);
    await this.#closers.closeAll();
    this.#phase = 'closed';
    this.#resolveEnded({ failure: this.#failure });
  }

  async #drain(): Promise<void> {
    if (this.#phase === 'running') this.#phase = 'draining';
    const { book } = this.observer;
    this.#log.info({ calls: book.liveCalls, withinMs: this.#options.drainMs }, 'draining: no new calls');
    this.#signalling?.drain();
    await new Promise<void>((resolve) => {
      const patience = setTimeout(() => {
        this.#log.warn({ calls: book.liveCalls }, 'drain took too long: the last calls are ended');
        done();
      }, this.#options.drainMs);
      const unsubscribe = this.observer.onRecord(() => {
        if (book.liveCalls === 0) done();
      });
      const done = (): void => {
        clearTimeout(patience);
        unsubscribe();
        resolve();
      };
      this.#cutDrain = done;
      if (book.liveCalls === 0) done();
    });
    await this.close();
  }

  /** A part without which calls cannot be handled is gone: the node ends, and its supervisor starts it again. */
  #fail(error: RelevoError): void {
    if (this.#failure || this.#phase === 'closing' || this.#phase === 'closed') return;
    this.#failure = error;
    this.#log.fatal({ code: error.code, cause: error.message, remedy: error.remedy }, 'node fails');
    if (this.#phase !== 'starting') void this.close();
  }

  /** The policy thread is watched by asking it: one that hangs is degraded health, and nothing else. */
  async #watchPolicy(policy: PolicyThread): Promise<void> {
    const { responding } = await policy.stats();
    const state = responding ? 'up' : 'restarting';
    if (state !== this.#policyState) this.#log.warn({ policy: state }, 'policy thread changed its state');
    this.#policyState = state;
  }

  #part<T>(part: T | null): T {
    if (part !== null) return part;
    throw new RelevoError('node_starting', 'the node is not ready yet', 'Try again in a moment.');
  }
}
