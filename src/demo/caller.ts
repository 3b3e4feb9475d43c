import { tone } from './audio/audio-source.js';
import type { DemoCall } from './demo-call.js';
import { DemoUserAgent, type DemoCallOptions, type DemoUserAgentOptions } from './user-agent.js';

export interface CallerOptions extends Pick<
  DemoUserAgentOptions,
  'host' | 'port' | 'onWire' | 'preferred' | 'refer' | 'replaces' | 'displayName'
> {
  readonly name?: string;
  readonly toneHz: number;
}

/** Somebody who calls and can be handed over: by REFER too, which makes a new call of theirs. */
export class Caller {
  readonly userAgent: DemoUserAgent;

  private constructor(userAgent: DemoUserAgent) {
    this.userAgent = userAgent;
  }

  static async start(options: CallerOptions): Promise<Caller> {
    const { toneHz, name = 'caller', ...rest } = options;
    return new Caller(await DemoUserAgent.start({ ...rest, name, source: () => tone(toneHz) }));
  }

  /** Calls and resolves when answered. */
  async call(target: string, options?: DemoCallOptions): Promise<DemoCall> {
    const call = this.userAgent.call(target, options);
    await call.answered;
    return call;
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.userAgent.close();
  }
}
