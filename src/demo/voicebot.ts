import { melody, tone, type AudioSource } from './audio/audio-source.js';
import type { AnswerPolicy, SentRefer } from './call-policy.js';
import type { DemoCall } from './demo-call.js';
import { DemoUserAgent, type DemoUserAgentOptions } from './user-agent.js';

/** The ways in which a voicebot on SIP can ask for a person. */
export type AskForPerson =
  /** REFER within the call; `to` is a destination's name or a SIP URI. */
  | { readonly by: 'refer'; readonly to: string }
  /** INFO: the caller's intent is a person. */
  | { readonly by: 'intent'; readonly intent?: string; readonly confidence?: number }
  /** INFO: `turns` turns (3 by default) that the bot did not understand. */
  | { readonly by: 'low-confidence'; readonly turns?: number };

export interface VoicebotOptions extends Pick<
  DemoUserAgentOptions,
  'host' | 'port' | 'onWire' | 'preferred'
> {
  /** A steady tone in Hz instead of the greeting melody: for tests that tell parties apart by ear. */
  readonly toneHz?: number;
  readonly answer?: AnswerPolicy;
  /** Where digit 1 refers to; a destination's name or a SIP URI. */
  readonly person?: string;
}

/** A rising chord, then two soft beeps every two seconds: "I am here, go on". */
const GREETING = [
  { hz: 523, ms: 180 },
  { hz: 659, ms: 180 },
  { hz: 784, ms: 180 },
  { hz: 1047, ms: 360 },
  { hz: 0, ms: 400 },
];
const LISTENING = [
  { hz: 440, ms: 120 },
  { hz: 0, ms: 80 },
  { hz: 440, ms: 120 },
  { hz: 0, ms: 1680 },
];

/**
 * The built-in voicebot. It greets, then beeps. Digit 0 is left to the rules of the project; 1 asks for a person
 * by REFER, 2 by an intent, 3 by three turns that it did not understand.
 */
export class Voicebot {
  readonly #agent: DemoUserAgent;
  readonly #person: string | null;
  readonly #problems: string[] = [];

  private constructor(agent: DemoUserAgent, person: string | null) {
    this.#agent = agent;
    this.#person = person;
    agent.onCall((call) => {
      call.on('dtmf', (digit) => {
        this.#obey(digit, call);
      });
    });
  }

  static async start(options: VoicebotOptions = {}): Promise<Voicebot> {
    const { toneHz, person, answer, ...rest } = options;
    const source = (): AudioSource => (toneHz === undefined ? melody(GREETING, LISTENING) : tone(toneHz));
    const agent = await DemoUserAgent.start({
      ...rest,
      name: 'bot',
      source,
      ...(answer === undefined ? {} : { answer }),
    });
    return new Voicebot(agent, person ?? null);
  }

  get uri(): string {
    return this.#agent.uri;
  }

  /** The user agent below, for what the bot itself does not offer. */
  get userAgent(): DemoUserAgent {
    return this.#agent;
  }

  get calls(): readonly DemoCall[] {
    return this.#agent.calls;
  }

  /** Asks within `call` for a person. The result of the REFER, or null where it was asked by INFO. */
  async askForPerson(call: DemoCall, how: AskForPerson): Promise<SentRefer | null> {
    switch (how.by) {
      case 'refer':
        // Relevo takes the user of any SIP URI for a destination's name.
        return call.refer(how.to.includes(':') ? how.to : `sip:${how.to}@relevo.invalid`);
      case 'intent': {
        const { intent = 'agent', confidence = 0.9 } = how;
        await call.sendEvent({ event: 'turn', intent, confidence });
        return null;
      }
      case 'low-confidence':
        for (let turn = 1; turn <= (how.turns ?? 3); turn++) {
          await call.sendEvent({ event: 'turn', intent: null, confidence: 0.1 });
        }
        return null;
    }
  }

  /** What went wrong behind the scenes. */
  get problems(): readonly string[] {
    return [...this.#problems, ...this.#agent.problems];
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#agent.close();
  }

  #obey(digit: string, call: DemoCall): void {
    const how = this.#meaningOf(digit);
    if (how === null) return;
    this.askForPerson(call, how).catch((error: unknown) => {
      this.#problems.push(String(error));
    });
  }

  #meaningOf(digit: string): AskForPerson | null {
    if (digit === '1' && this.#person !== null) return { by: 'refer', to: this.#person };
    if (digit === '2') return { by: 'intent' };
    if (digit === '3') return { by: 'low-confidence' };
    return null;
  }
}
