import { melody, tone, type AudioSource } from './audio/audio-source.js';
import type { AnswerPolicy } from './call-policy.js';
import type { DemoCall } from './demo-call.js';
import { DemoUserAgent, type DemoUserAgentOptions } from './user-agent.js';

export interface AgentOptions extends Pick<
  DemoUserAgentOptions,
  'host' | 'port' | 'onWire' | 'preferred' | 'replaces'
> {
  readonly name?: string;
  /** A steady tone in Hz instead of the agent's melody. */
  readonly toneHz?: number;
  /** Rings for a moment and answers by default. */
  readonly answer?: AnswerPolicy;
  /** Pressed so long after the answer: "I take this call". */
  readonly accept?: { readonly digit: string; readonly afterMs: number };
}

/** A falling fourth and back, over and over: nobody takes it for the bot. */
const MELODY = [
  { hz: 880, ms: 250 },
  { hz: 660, ms: 250 },
  { hz: 880, ms: 250 },
  { hz: 0, ms: 500 },
];

/** A person at a desk: answers (or does not), plays a tune of its own, and may press a digit to take the call. */
export class Agent {
  /** Pressed after the answer of each further call; null presses nothing. */
  accept: { readonly digit: string; readonly afterMs: number } | null;
  readonly userAgent: DemoUserAgent;
  readonly #problems: string[] = [];

  private constructor(userAgent: DemoUserAgent, options: AgentOptions) {
    this.userAgent = userAgent;
    this.accept = options.accept ?? null;
    userAgent.onCall((call) => {
      if (this.accept !== null) this.#pressWhenAnswered(call, this.accept);
    });
  }

  static async start(options: AgentOptions = {}): Promise<Agent> {
    const { toneHz, name = 'agent', answer, host, port, onWire, preferred, replaces } = options;
    const source = (): AudioSource => (toneHz === undefined ? melody([], MELODY) : tone(toneHz));
    const userAgent = await DemoUserAgent.start({
      host,
      port,
      onWire,
      preferred,
      replaces,
      name,
      source,
      answer: answer ?? { kind: 'answer', afterMs: 200 },
    });
    return new Agent(userAgent, options);
  }

  get uri(): string {
    return this.userAgent.uri;
  }

  get calls(): readonly DemoCall[] {
    return this.userAgent.calls;
  }

  /** What went wrong behind the scenes. */
  get problems(): readonly string[] {
    return [...this.#problems, ...this.userAgent.problems];
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.userAgent.close();
  }

  #pressWhenAnswered(call: DemoCall, accept: { readonly digit: string; readonly afterMs: number }): void {
    const press = async (): Promise<void> => {
      await call.answered;
      const timer = setTimeout(() => {
        call.press(accept.digit).catch(note);
      }, accept.afterMs);
      await call.ended;
      clearTimeout(timer);
    };
    const note = (error: unknown): void => {
      if (call.state === 'answered') this.#problems.push(String(error));
    };
    press().catch(note);
  }
}
