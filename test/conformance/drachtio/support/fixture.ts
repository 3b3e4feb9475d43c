import Srf from 'drachtio-srf';
import type { Clock } from '../../../../src/common/clock.js';
import { createLogger } from '../../../../src/common/log.js';
import { startEngine, type Engine } from '../../../../src/engine/engine.js';
import type { EngineOptions } from '../../../../src/engine/engine-options.js';
import { RawUa } from './raw-ua.js';
import { RawClient } from './raw-client.js';
import type { SrfApp } from './srf-types.js';

export const SECRET = 'cymru';

/** An engine with UDP and TCP, raw user agents on the SIP side and applications on the control side; all closed together. */
export class Fixture {
  readonly engine: Engine;
  readonly udpPort: number;
  readonly tcpPort: number;
  readonly #closers: (() => void)[] = [];

  private constructor(engine: Engine) {
    this.engine = engine;
    this.udpPort = engine.listeners.find(({ transport }) => transport === 'udp')!.port;
    this.tcpPort = engine.listeners.find(({ transport }) => transport === 'tcp')?.port ?? 0;
  }

  static async start(options: Partial<EngineOptions> = {}, clock?: Clock): Promise<Fixture> {
    const engine = await startEngine(
      {
        listen: [
          { transport: 'udp', address: '127.0.0.1', port: 0 },
          { transport: 'tcp', address: '127.0.0.1', port: 0 },
        ],
        control: { address: '127.0.0.1', port: 0, secret: SECRET },
        tap: false,
        ...options,
      },
      { log: createLogger('engine', 'silent'), ...(clock ? { clock } : {}) },
    );
    return new Fixture(engine);
  }

  async ua(): Promise<RawUa> {
    const ua = await RawUa.open(this.udpPort);
    this.#closers.push(() => {
      ua.close();
    });
    return ua;
  }

  /** drachtio-srf, connected; `prepare` registers handlers first, so that its routes are known when this resolves. */
  async srf(prepare: (app: SrfApp) => void = () => undefined): Promise<SrfApp> {
    const app = new Srf() as unknown as SrfApp;
    prepare(app);
    await new Promise<void>((resolve, reject) => {
      app.on('connect', (error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
      app.on('error', reject);
      app.connect({ host: '127.0.0.1', port: this.engine.controlPort, secret: SECRET });
    });
    this.#closers.push(() => {
      app.disconnect();
    });
    await this.settled();
    return app;
  }

  /** A control connection without drachtio-srf, with routes for these verbs. */
  async raw(verbs: readonly string[] = [], authenticated = true): Promise<RawClient> {
    const client = await RawClient.connect(this.engine.controlPort);
    this.#closers.push(() => {
      client.close();
    });
    if (authenticated) await client.ask(`authenticate|${SECRET}|`);
    for (const verb of verbs) await client.ask(`route|${verb}`);
    return client;
  }

  async close(): Promise<void> {
    for (const close of this.#closers) close();
    await this.engine.close();
  }

  /** What the applications have written until now is read: a fresh connection's exchange comes after it. */
  async settled(): Promise<void> {
    const probe = await RawClient.connect(this.engine.controlPort);
    await probe.ask(`authenticate|${SECRET}|`);
    await probe.ask('ping');
    probe.close();
  }
}
