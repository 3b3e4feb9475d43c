import { EventEmitter, once } from 'node:events';
import type { CallPlan } from '../../../../src/call/project.js';
import { realClock, type Clock } from '../../../../src/common/clock.js';
import { createLogger } from '../../../../src/common/log.js';
import { secureRandom } from '../../../../src/common/random.js';
import type { EngineTimers } from '../../../../src/engine/engine-options.js';
import type { CallMachine, CallSeed } from '../../../../src/signalling/call-runtime.js';
import { SignallingNode } from '../../../../src/signalling/signalling-node.js';
import type { FromSignalling } from '../../../../src/signalling/thread-messages.js';
import { Fixture, SECRET } from '../../../conformance/drachtio/support/fixture.js';
import type { RawUa } from '../../../conformance/drachtio/support/raw-ua.js';
import { BridgeCall } from './bridge-call.js';
import { plan } from './plan.js';

export interface SignallingFixtureOptions {
  readonly plan?: (botUri: string) => CallPlan;
  readonly makeCall?: (seed: CallSeed) => CallMachine;
  readonly engineTimers?: EngineTimers;
  /** The clock of the engine; the signalling node keeps the real one. */
  readonly engineClock?: Clock;
}

/** An engine, a signalling node on it with a call machine of the test's choice, a caller and a bot. */
export class SignallingFixture {
  readonly engine: Fixture;
  readonly caller: RawUa;
  readonly bot: RawUa;
  readonly node: SignallingNode;
  readonly said: FromSignalling[] = [];
  readonly calls: CallMachine[] = [];
  readonly #bus = new EventEmitter();

  private constructor(engine: Fixture, caller: RawUa, bot: RawUa, options: SignallingFixtureOptions) {
    this.engine = engine;
    this.caller = caller;
    this.bot = bot;
    const botUri = `sip:bot@127.0.0.1:${bot.port}`;
    this.node = new SignallingNode({
      control: { host: '127.0.0.1', port: engine.engine.controlPort, secret: SECRET },
      plan: (options.plan ?? plan)(botUri),
      clock: realClock,
      random: secureRandom(),
      log: createLogger('signalling', 'silent'),
      post: (message) => {
        this.said.push(message);
        this.#bus.emit('said');
      },
      farewellMs: 200,
      makeMedia: () => ({
        execute: () => undefined,
        callEnded: () => undefined,
        attachWorker: () => undefined,
        preload: () => undefined,
        close: () => undefined,
      }),
      makeCall: (seed) => {
        const call = (options.makeCall ?? ((made: CallSeed) => new BridgeCall(made)))(seed);
        this.calls.push(call);
        return call;
      },
    });
  }

  static async start(options: SignallingFixtureOptions = {}): Promise<SignallingFixture> {
    const engine = await Fixture.start(
      options.engineTimers ? { timers: options.engineTimers } : {},
      options.engineClock,
    );
    const fixture = new SignallingFixture(engine, await engine.ua(), await engine.ua(), options);
    fixture.node.start();
    await fixture.saying((message) => message.kind === 'controlServer' && message.connected);
    return fixture;
  }

  /** Resolves with the first message that matches, said already or to come. */
  async saying(matches: (message: FromSignalling) => boolean): Promise<FromSignalling> {
    for (;;) {
      const found = this.said.find(matches);
      if (found) return found;
      await once(this.#bus, 'said');
    }
  }

  /** Resolves when no call and no leg is left. */
  async idle(): Promise<void> {
    while (this.node.stats().calls > 0 || this.node.legs > 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    await this.node.close();
    await this.engine.close();
  }
}
