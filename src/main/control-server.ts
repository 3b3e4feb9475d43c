import { RelevoError, messageOf } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import type { RelevoConfig } from '../config/relevo-config.js';
import { startEngineThread, type EngineThread } from '../engine/engine-thread-host.js';
import type { EngineThreadStats } from '../engine/engine-thread-messages.js';
import type { PartState } from '../api/node-control.js';
import type { TappedMessage } from '../observe/sip-trace.js';
import type { ControlServerAddress } from '../signalling/thread-messages.js';
import { engineOptionsOf, listenOptionsOf, tlsPeerOf, trustedSources } from './engine-settings.js';
import { TapGovernor } from './tap-governor.js';

const READ_EVERY_MS = 1000;

/** Where peers reach the node. */
export interface SipListener {
  readonly transport: string;
  readonly address: string;
  readonly port: number;
}

export interface ControlServerOptions {
  /** Of the embedded engine's control protocol; drawn anew for each run. */
  readonly secret: string;
  readonly log: Logger;
  readonly onSip: (message: TappedMessage) => void;
  /** The embedded engine died. */
  readonly onFailure: (error: RelevoError) => void;
}

/** The drachtio server that signalling speaks to: the embedded engine in its thread, or an external one. */
export class ControlServer {
  readonly address: ControlServerAddress;
  readonly listeners: readonly SipListener[];
  readonly #engine: EngineThread | null;
  readonly #log: Logger;
  readonly #tap = new TapGovernor();
  readonly #reading: NodeJS.Timeout | undefined;
  #state: PartState = 'up';

  private constructor(address: ControlServerAddress, engine: EngineThread | null, log: Logger) {
    this.address = address;
    this.listeners = engine?.listeners ?? [];
    this.#engine = engine;
    this.#log = log;
    if (engine) this.#reading = setInterval(() => void this.#governTap(engine), READ_EVERY_MS);
  }

  static async start(config: RelevoConfig, options: ControlServerOptions): Promise<ControlServer> {
    const { engine } = config;
    const { secret, log } = options;
    if (engine.kind === 'drachtio') {
      const { host, port } = engine;
      return new ControlServer({ host, port, secret: engine.secret }, null, log);
    }
    let server: ControlServer | null = null;
    const thread = await startEngineThread(
      {
        listen: config.listen.map(listenOptionsOf),
        tlsPeers: config.tlsPeers.map(tlsPeerOf),
        control: { address: '127.0.0.1', port: engine.controlPort, secret },
        ...engineOptionsOf(engine),
        tap: true,
      },
      {
        logLevel: config.log.level,
        onTap: (messages) => {
          for (const one of messages)
            options.onSip({
              at: one.timeMs,
              direction: one.direction,
              transport: one.transport,
              local: hostPort(one.localAddress, one.localPort),
              remote: hostPort(one.remoteAddress, one.remotePort),
              raw: one.raw.toString('utf8'),
            });
        },
        onFailure: (error) => {
          server?.failed();
          options.onFailure(error);
        },
      },
    );
    thread.setTrusted(trustedSources(config));
    server = new ControlServer({ host: '127.0.0.1', port: thread.controlPort, secret }, thread, log);
    return server;
  }

  get state(): PartState {
    return this.#state;
  }

  /** The embedded engine's counters. */
  stats(): Promise<EngineThreadStats> {
    if (this.#engine) return this.#engine.stats();
    return Promise.reject(
      new RelevoError('no_embedded_engine', 'an external drachtio-server is used', 'Ask that server.'),
    );
  }

  /** Reads the certificates of the listeners again, and meets the hosts of trunks by new settings. */
  setPeers(config: Pick<RelevoConfig, 'tlsPeers' | 'plan'>): void {
    this.#engine?.reloadCertificates();
    this.#engine?.setTrusted(trustedSources(config));
    this.#engine?.setTlsPeers(config.tlsPeers.map(tlsPeerOf));
  }

  /** Notes that the engine is gone. */
  failed(): void {
    this.#state = 'down';
    clearInterval(this.#reading);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#reading);
    await this.#engine?.close();
  }

  async #governTap(engine: EngineThread): Promise<void> {
    try {
      const { received, sent } = await engine.stats();
      const change = this.#tap.reading(received + sent, performance.now());
      if (change === null) return;
      engine.setTap(change);
      this.#log.info(
        { tracing: change },
        change
          ? 'SIP messages are traced again'
          : 'too many SIP messages to trace: ladders have gaps for now',
      );
    } catch (error) {
      this.#log.debug({ cause: messageOf(error) }, 'engine did not tell its counters');
    }
  }
}

function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
